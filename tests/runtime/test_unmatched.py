"""No request without an answer: 404, 405, HEAD, OPTIONS, and what the app puts in their place."""

import asyncio

import pytest
import socketify
from wire import wire

import socketify_ext
import socketify_ext.testing
from socketify_ext.errors import RouteError

KINDS = ["app", "install"]


@pytest.fixture(scope="module")
def make_app(kind):
    return lambda: make(kind)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


def make(kind="app"):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())
    outcomes = []

    @app.before_request(prefix="/guarded")
    def guard(res, req):
        if req.get_header("authorization") is None:
            raise socketify_ext.HTTPError(401)

    @app.before_request(prefix="/slow")
    async def slow(res, req):
        await asyncio.sleep(0)

    @app.before_request
    def mark(res, req):
        res.write_header("x-hook", "seen")

    @app.after_response
    def note(outcome):
        outcomes.append([outcome.method, outcome.route, outcome.status])

    def show(res, req):
        kept = outcomes[:]
        outcomes.clear()
        return kept

    async def late(res, req):
        before = req.get_parameters()
        await asyncio.sleep(0)
        res.write_header("x-kept", "yes").end(
            {"parameters": [before, req.get_parameters(), req.get_parameter("b")], "method": req.get_method()}
        )

    def yields(res, req):
        res.write_header("x-yielded", "yes")
        req.set_yield(True)

    app.get("/outcomes", show)
    app.get("/", lambda res, req: res.write_header("x-own", "1").end("a small shop"))
    app.post("/", lambda res, req: res.end("posted"))
    app.get(
        "/items/:id", lambda res, req: res.end(f"{req.get_method()} {req.get_parameter(0)} {req.get_parameter('id')}")
    )
    app.delete("/items/:id", lambda res, req: res.end("deleted"))
    app.get("/late/:a/x/:b", late)
    app.get("/own", lambda res, req: res.end("get"))
    app.head("/own", lambda res, req: res.write_header("x-own", "head").end("head"))
    app.options("/own", lambda res, req: res.write_header("x-own", "options").end("options"))
    app.get("/both", lambda res, req: res.end("get"))
    app.any("/both", lambda res, req: res.write_header("x-own", "any").end("any"))
    app.any("/any/*", lambda res, req: res.write_header("x-own", "any").end(req.get_method()))
    app.get("/any/get", lambda res, req: res.write_header("x-own", "get").end("get"))
    app.get("/yields", yields)
    app.get("/yields/:x", yields)
    app.get("/yields/*", lambda res, req: res.write_header("x-own", "next").end("next"))
    app.post("/guarded/post", lambda res, req: res.end("posted"))
    app.post("/slow", lambda res, req: res.end("posted"))
    app.ws("/ws", {"message": lambda ws, message, opcode: ws.send(message)})
    app.ws("/ws/both", {})
    app.get("/ws/both", lambda res, req: res.end("plain"))

    def fails(res, req):
        raise ValueError("a mistake")

    app.get("/fails", fails)
    return app


@pytest.fixture
def connection(server):
    with wire(server.port) as made:
        yield made


def outcomes(connection):
    return connection.ask("GET", "/outcomes").json()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    "path", ["/nope", "/favicon.ico", "//", "/items", "/items/", "/items/1/2", "/nope?a=b", "/é", "/%ff", "/a" * 150]
)
def test_rfc9110_15_5_5_a_path_without_a_route_is_not_found(connection, method, path):
    answer = connection.ask(method, path)
    assert answer.status == "404 Not Found"
    assert ("content-type", "application/json") in answer.headers
    assert answer.json() == {"detail": "Not Found"}
    assert connection.ask("GET", "/").body == b"a small shop"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/", "GET, HEAD, POST, OPTIONS"),
        ("TRACE", "/", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/items/1", "GET, HEAD, DELETE, OPTIONS"),
        ("POST", "/own", "GET, HEAD, OPTIONS"),
        ("GET", "/slow", "POST, OPTIONS"),
        ("HEAD", "/slow", "POST, OPTIONS"),
        ("POST", "/ws", "GET, HEAD, OPTIONS"),
    ],
)
def test_rfc9110_15_5_6_another_method_is_not_allowed_and_allow_lists_those_that_are(connection, method, path, allow):
    answer = connection.ask(method, path)
    assert answer.status == "405 Method Not Allowed"
    assert [value for name, value in answer.headers if name == "allow"] == [allow]
    if method != "HEAD":
        assert answer.json() == {"detail": "Method Not Allowed"}
    assert connection.ask("GET", "/").body == b"a small shop"


@pytest.mark.parametrize("path", ["/", "/items/a%20b", "/late/1/x/2", "/yields/a/b", "/ws/both", "/any/get"])
def test_rfc9110_9_3_2_head_is_the_get_without_its_body(connection, path):
    get = connection.ask("GET", path)
    head = connection.ask("HEAD", path)
    assert head.status == get.status == "200 OK"
    assert head.body == b""
    unlike = ("date", "content-length")
    assert sorted(each for each in head.headers if each[0] not in unlike) == sorted(
        each for each in get.headers if each[0] not in unlike
    )
    method = 1 if b"GET" in get.body else 0  # these answers name it
    assert int(dict(head.headers)["content-length"]) == len(get.body) + method
    assert connection.ask("GET", "/").body == b"a small shop"


def test_rfc9110_9_3_2_head_of_what_is_not_there_has_the_head_of_its_404(connection):
    head = connection.ask("HEAD", "/nope")
    assert head.status == "404 Not Found"
    assert int(dict(head.headers)["content-length"]) == len(connection.ask("GET", "/nope").body)
    assert connection.ask("GET", "/").body == b"a small shop"


def test_head_of_a_handler_that_fails_is_logged_with_its_route(server, connection):
    assert connection.ask("HEAD", "/fails").status == "500 Internal Server Error"
    server.wait_for_log("HEAD /fails: ValueError: a mistake")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/", "GET, HEAD, POST, OPTIONS"),
        ("/items/1", "GET, HEAD, DELETE, OPTIONS"),
        ("/ws", "GET, HEAD, OPTIONS"),
        ("/guarded/post", "POST, OPTIONS"),
    ],
)
def test_rfc9110_9_3_7_options_lists_the_methods_of_a_path(connection, path, allow):
    answer = connection.ask("OPTIONS", path, authorization="x")
    assert answer.status == "204 No Content"
    assert dict(answer.headers)["allow"] == allow
    assert "content-length" not in dict(answer.headers)
    assert connection.ask("GET", "/").body == b"a small shop"


@pytest.mark.parametrize(
    ("method", "path", "own"),
    [
        ("HEAD", "/own", "head"),
        ("OPTIONS", "/own", "options"),
        ("HEAD", "/both", "any"),
        ("OPTIONS", "/both", "any"),
        ("PUT", "/both", "any"),
        ("HEAD", "/any/x", "any"),
        ("HEAD", "/any/get", "get"),  # it is what GET gets there
        ("OPTIONS", "/any/get", "any"),
        ("POST", "/any/get", "any"),
    ],
)
def test_routes_of_the_app_go_first(connection, method, path, own):
    answer = connection.ask(method, path)
    assert answer.status == "200 OK"
    assert dict(answer.headers)["x-own"] == own


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_all_routes_yield_is_not_found_and_keeps_its_headers(connection, method):
    answer = connection.ask(method, "/yields")
    assert answer.status == "404 Not Found"
    assert dict(answer.headers)["x-yielded"] == "yes"
    assert dict(connection.ask(method, "/yields/1").headers)["x-own"] == "next"
    assert connection.ask("GET", "/").body == b"a small shop"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rfc9110_15_5_22_a_plain_request_for_a_websocket_is_told_to_upgrade(connection, method):
    answer = connection.ask(method, "/ws")
    assert answer.status == "426 Upgrade Required"
    headers = dict(answer.headers)
    assert (headers["upgrade"], headers["connection"], headers["sec-websocket-version"]) == (
        "websocket",
        "Upgrade",
        "13",
    )
    assert connection.ask("GET", "/").body == b"a small shop"


@pytest.mark.parametrize("key", ["", "short", "x" * 25])
def test_rfc6455_4_2_1_a_handshake_without_a_right_key_is_a_bad_request(connection, key):
    answer = connection.ask("GET", "/ws", upgrade="WebSocket", connection="Upgrade", **{"sec-websocket-key": key})
    assert answer.status == "400 Bad Request"
    assert answer.json() == {"detail": "Sec-WebSocket-Key is missing or malformed"}


def test_a_websocket_is_still_one(connection):
    connection.upgrade("/ws")


def test_a_handshake_where_no_websocket_is_gets_what_is_there(connection):
    key = {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "upgrade": "websocket", "connection": "Upgrade"}
    assert connection.ask("GET", "/nope", **key).status == "404 Not Found"
    assert connection.ask("GET", "/", **key).status == "200 OK"


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/nope", 404, "/*"),
        ("PUT", "/", 405, "/*"),
        ("OPTIONS", "/", 204, "/*"),
        ("HEAD", "/items/1", 200, "/items/:id"),
        ("HEAD", "/nope", 404, "/*"),
        ("HEAD", "/any/get", 200, "/any/get"),
        ("GET", "/ws", 426, "/*"),
    ],
)
def test_request_hooks_see_them(connection, method, path, status, route):
    outcomes(connection)
    answer = connection.ask(method, path)
    assert ("x-hook", "seen") in answer.headers
    assert [method, route, status] in outcomes(connection)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/guarded"),
        ("GET", "/guarded/nope"),
        ("OPTIONS", "/guarded/post"),
        ("PUT", "/guarded/post"),
        ("GET", "/x/../guarded"),
    ],
)
def test_hooks_with_a_prefix_guard_what_is_not_there(connection, method, path):
    assert connection.ask(method, path).status == "401 Unauthorized"
    assert connection.ask(method, path, authorization="x").status.startswith(("404", "405", "204"))


@pytest.mark.parametrize("path", ["/nope", "/items/1", "/slow/nope"])
@pytest.mark.parametrize("size", [1, 70_000, 600_000])
def test_a_body_that_nobody_wants_is_dropped_and_the_connection_goes_on(connection, path, size):
    for _ in range(3):
        answer = connection.ask("POST", path, b"x" * size)
        assert answer.status.startswith(("404", "405"))
    assert connection.ask("GET", "/").body == b"a small shop"


def test_a_chunked_body_that_nobody_wants_is_dropped(connection):
    connection.send("POST", "/nope", **{"transfer-encoding": "chunked"})
    connection.socket.sendall(b"5\r\nGET /\r\n0\r\n\r\n")
    assert connection.answer().status == "404 Not Found"
    assert connection.ask("GET", "/").body == b"a small shop"


@pytest.mark.parametrize(
    "lines",
    [
        "content-length: 2\r\ncontent-length: 40",
        "content-length: 0\r\ncontent-length: 40",
        "transfer-encoding: identity",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_rfc9112_6_3_a_body_of_doubtful_length_is_refused(connection, method, lines):
    connection.socket.sendall(f"{method} /nope HTTP/1.1\r\nhost: x\r\n{lines}\r\n\r\n".encode())
    got = connection.read_to_end()
    assert got.startswith(b"HTTP/1.1 400 Bad Request")
    assert got.count(b"HTTP/1.1") == 1


def test_an_unmatched_request_is_not_logged(server, connection):
    before = len(server.log)
    for method, path in [("GET", "/nope"), ("PUT", "/"), ("OPTIONS", "/"), ("HEAD", "/"), ("GET", "/ws")]:
        connection.ask(method, path)
    assert server.log[before:] == ""


# -- an app's own answer


def make_with_page():
    app = socketify_ext.App()
    app.get("/", lambda res, req: res.end("home"))

    @app.not_found
    async def page(res, req):
        await asyncio.sleep(0)
        if req.get_url() == "/moved":
            res.redirect("/")
        elif req.get_url() == "/fails":
            raise ValueError("a mistake")
        elif req.get_url() == "/refuses":
            raise socketify_ext.HTTPError(410)
        else:
            res.write_header("content-type", "text/html").end(f"<p>nothing at {req.get_url()}</p>")

    def exchange(res, req):
        kind = req.get_query("kind")
        app.not_found({"silent": lambda res, req: None, "yields": lambda res, req: req.set_yield(True)}[kind])
        res.end("exchanged")

    app.post("/exchange", exchange)
    return app


def test_the_app_answers_what_is_not_found(tmp_path):
    with socketify_ext.testing.serve(make_with_page) as server, wire(server.port) as connection:
        answer = connection.ask("GET", "/nope")
        assert (answer.status, answer.body) == ("404 Not Found", b"<p>nothing at /nope</p>")
        assert connection.ask("HEAD", "/nope").status == "404 Not Found"
        assert connection.ask("GET", "/moved").status == "302 Found"
        assert connection.ask("GET", "/fails").status == "500 Internal Server Error"
        assert connection.ask("GET", "/refuses").status == "410 Gone"
        assert connection.ask("PUT", "/").status == "405 Method Not Allowed"
        server.wait_for_log("no route: ValueError: a mistake")
        for kind in ("silent", "yields"):
            assert connection.ask("POST", f"/exchange?kind={kind}").body == b"exchanged"
            assert connection.ask("GET", "/nope").status == "500 Internal Server Error"
        assert connection.ask("GET", "/").body == b"home"


@pytest.mark.parametrize("handler", [None, "x", lambda: None, lambda res: None])
def test_what_can_not_answer_is_refused(handler):
    app = socketify_ext.App()
    with pytest.raises(RouteError, match=r"NOT_FOUND /\*: .* can't be called"):
        app.not_found(handler)

    @socketify_ext.extension("missing")
    def missing(request, response, ws, *, app):
        app.not_found(handler)

    with pytest.raises(socketify_ext.ExtensionError, match=r"extension 'missing'.* can't be called"):
        app.register(missing)
    assert app._node.not_found is None


def make_with_extension():
    app = socketify_ext.App()

    @socketify_ext.extension("pages")
    def pages(request, response, ws, *, app):
        @app.not_found
        def page(res, req):
            return "of the extension"

        @app.get("/extension", max_body=10)
        def own(res, req):
            return "route"

    app.register(pages)
    return app


def test_an_extension_may_answer_what_is_not_found():
    with socketify_ext.testing.serve(make_with_extension) as server, wire(server.port) as connection:
        answer = connection.ask("GET", "/nope")
        assert (answer.status, answer.body) == ("404 Not Found", b"of the extension")
        assert connection.ask("GET", "/extension").body == b"route"


# -- routes that come later


def make_late(early):
    app = socketify_ext.App()
    named = {"get": "late get", "post": "late post", "any": "late any"}

    def add(res, req):
        method, path = req.get_query("method"), req.get_query("path")

        def own(res, req):
            if req.get_query("yields"):
                req.set_yield(True)
            else:
                res.write_header("x-own", named[method]).end(named[method])

        getattr(app, method)(path, own)
        if req.get_query("hook"):
            app.before_request(lambda res, req: res.write_header("x-hook", "late"))
        res.end("added")

    app.post("/add", add)
    app.get("/early", lambda res, req: res.write_header("x-own", "early").end("early"))
    if early:
        app.any("/*", lambda res, req: res.end("early any") if not req.get_query("yields") else req.set_yield(True))
    return app


def add(connection, method, path, **more):
    query = "&".join(f"{name}={value}" for name, value in {"method": method, "path": path, **more}.items())
    return connection.ask("POST", f"/add?{query}").body


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("path", ["/x", "/:id", "/*"])
def test_a_route_that_is_added_while_the_app_serves_wins(early, path):
    with socketify_ext.testing.serve(make_late, early=early) as server, wire(server.port) as connection:
        assert connection.ask("GET", "/x").status == ("200 OK" if early else "404 Not Found")
        assert add(connection, "get", path) == b"added"
        assert connection.ask("GET", "/x").body == b"late get"
        assert dict(connection.ask("HEAD", "/x").headers).get("x-own") == (
            "late get" if not (early and path == "/*") else None
        )
        assert connection.ask("GET", "/x?yields=1").status == "404 Not Found"
        if not early:
            assert connection.ask("PUT", "/x").status == "405 Method Not Allowed"


def test_an_any_of_all_paths_that_comes_late_takes_the_place():
    with socketify_ext.testing.serve(make_late, early=False) as server, wire(server.port) as connection:
        assert add(connection, "any", "/*") == b"added"
        for method in ("GET", "PUT", "OPTIONS"):
            assert connection.ask(method, "/x").body == b"late any"
        assert dict(connection.ask("HEAD", "/x").headers)["x-own"] == "late any"
        assert dict(connection.ask("HEAD", "/early").headers)["x-own"] == "early"
        assert connection.ask("GET", "/x?yields=1").status == "404 Not Found"
        assert add(connection, "any", "/*") == b"Internal Server Error"
        assert "EXT504" in server.log or "DuplicateRouteError" in server.log


def test_hooks_that_come_late_see_them():
    with socketify_ext.testing.serve(make_late, early=False) as server, wire(server.port) as connection:
        assert dict(connection.ask("HEAD", "/early").headers).get("x-hook") is None
        assert add(connection, "get", "/x", hook=1) == b"added"
        for method, path in [("GET", "/nope"), ("HEAD", "/early"), ("PUT", "/early"), ("OPTIONS", "/early")]:
            assert dict(connection.ask(method, path).headers)["x-hook"] == "late"


# -- folders


def make_with_folder(folder, at):
    app = socketify_ext.App()
    app.static(at, folder)
    app.get("/own", lambda res, req: res.write_header("x-own", "1").end("own"))
    return app


@pytest.mark.parametrize("at", ["/files", "/"])
def test_a_folder_allows_get_and_head(tmp_path, at):
    (tmp_path / "a.txt").write_text("text")
    with (
        socketify_ext.testing.serve(make_with_folder, folder=str(tmp_path), at=at) as server,
        wire(server.port) as connection,
    ):
        path = f"{at.rstrip('/')}/a.txt"
        assert connection.ask("GET", path).body == b"text"
        assert dict(connection.ask("HEAD", path).headers)["content-length"] == "4"
        assert dict(connection.ask("POST", path).headers)["allow"] == "GET, HEAD, OPTIONS"
        assert dict(connection.ask("OPTIONS", path).headers)["allow"] == "GET, HEAD, OPTIONS"
        assert dict(connection.ask("HEAD", "/own").headers)["x-own"] == "1"
        assert connection.ask("GET", f"{path}.none").status == "404 Not Found"
        assert connection.ask("HEAD", f"{path}.none").status == "404 Not Found"


def make_with_folder_and_page(folder):
    app = make_with_folder(folder, "/")

    @app.not_found
    async def page(res, req):
        await asyncio.sleep(0)
        return f"nothing at {req.get_url()}"

    return app


def test_the_app_answers_for_files_that_are_not_there(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "folder").mkdir()
    with (
        socketify_ext.testing.serve(make_with_folder_and_page, folder=str(tmp_path)) as server,
        wire(server.port) as connection,
    ):
        assert connection.ask("GET", "/a.txt").body == b"text"
        for path in ("/none", "/folder", "/folder/", "/.hidden", "/../a.txt", "/%00"):
            answer = connection.ask("GET", path)
            assert (answer.status, answer.body) == ("404 Not Found", f"nothing at {path}".encode())
            head = connection.ask("HEAD", path)
            assert (head.status, dict(head.headers)["content-length"]) == (answer.status, str(len(answer.body)))
        assert connection.ask("PUT", "/none").status == "405 Method Not Allowed"
