"""What a request tells after an await is what it told before."""

import asyncio

import pytest
from builtin_apps import make_app
from wire import wire

import socketify_ext
from socketify_ext.testing import serve


def all_headers_app(kind, with_headers):
    app = make_app(kind)
    app.register(lambda request, response, ws: request.method(lambda self: None, name="nothing"))

    def told(req):
        found = []
        req.for_each_header(lambda name, value: found.append([name, value]))
        return found

    async def headers(res, req):
        if with_headers:
            req.get_headers()
        before = told(req)
        await asyncio.sleep(0.001)
        after = told(req)
        res.cork(lambda answer: answer.end({"before": before, "after": after}))

    app.get("/", headers)
    return app


@pytest.mark.parametrize("kind", ["app", "install"])
@pytest.mark.parametrize("with_headers", [False, True])
def test_every_header_is_told_after_an_await_too(kind, with_headers):
    with (
        serve(all_headers_app, kind=kind, with_headers=with_headers) as serving,
        wire(serving.port) as connection,
    ):
        connection.socket.sendall(b"GET / HTTP/1.1\r\nhost: test\r\nA: 1\r\na: 2\r\nb: 3\r\n\r\n")
        told = connection.answer().json()
        assert told["before"] == told["after"] == [["host", "test"], ["a", "1"], ["a", "2"], ["b", "3"]]
        connection.socket.sendall(b"GET / HTTP/1.1\r\nhost: test\r\na: 1\r\n\r\n")
        assert connection.answer().json()["after"] == [["host", "test"], ["a", "1"]]


def repeated_header_app(kind):
    app = make_app(kind)
    app.register(lambda request, response, ws: request.method(lambda self: None, name="nothing"))

    async def headers(res, req):
        before = [req.get_header("a"), req.get_headers()["a"], req.get_header("a")]
        await asyncio.sleep(0.001)
        res.end([*before, req.get_header("a"), *req.get_headers().values()])

    async def late(res, req):
        before = req.get_header("a")
        await asyncio.sleep(0.001)
        res.end([before, req.get_header("a")])

    app.get("/", headers)
    app.get("/late", late)
    return app


@pytest.mark.parametrize("kind", ["app", "install"])
def test_the_first_of_several_headers_counts_whenever_it_is_read(kind):
    with serve(repeated_header_app, kind=kind) as serving, wire(serving.port) as connection:
        connection.socket.sendall(b"GET / HTTP/1.1\r\nhost: test\r\na: 1\r\nb: 3\r\na: 2\r\n\r\n")
        assert connection.answer().json() == ["1", "1", "1", "1", "test", "1", "3"]
        connection.socket.sendall(b"GET /late HTTP/1.1\r\nhost: test\r\na: 1\r\na: 2\r\n\r\n")
        assert connection.answer().json() == ["1", "1"]


def cookie_app():
    app = make_app("app")
    app.get("/", lambda res, req: res.end(req.get_cookies()))
    return app


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ('theme={"dark":true}; session=s', {"theme": '{"dark":true}', "session": "s"}),
        ("nonsense; session=s", {"session": "s"}),
        ("=x; b ad=y; session=s", {"session": "s"}),
        ('a="q\\"q"; session=s', {"a": 'q"q', "session": "s"}),
        ("a=1=2;session=s;", {"a": "1=2", "session": "s"}),
        ("path=x; version=2; session=s", {"path": "x", "version": "2", "session": "s"}),
        ("a=1; a=2\r\ncookie: b=3; a=4", {"a": "1", "b": "3"}),
        ("a=Ann+Lee%2B1; b=%FF", {"a": "Ann+Lee+1", "b": "\ufffd"}),
    ],
)
def test_a_malformed_cookie_does_not_hide_the_others(header, cookies):
    with serve(cookie_app) as serving, wire(serving.port) as connection:
        connection.socket.sendall(f"GET / HTTP/1.1\r\nhost: test\r\ncookie: {header}\r\n\r\n".encode())
        found = connection.answer().json()
        found.pop("nonsense", None)
        assert found == cookies


def url_app():
    app = make_app("app")

    def told(req):
        return [req.get_url(), req.get_query("name"), req.get_query("x[]"), req.get_parameters()]

    async def both(res, req):
        before = told(req)
        await asyncio.sleep(0)
        res.end([before, told(req)])

    async def after(res, req):
        await asyncio.sleep(0)
        res.end([told(req), told(req)])

    app.get("/both/:a", both)
    app.get("/after/:a", after)
    return app


def test_bytes_of_a_url_that_are_no_text_are_replaced_and_hide_nothing():
    with serve(url_app) as serving, wire(serving.port) as connection:
        for path in ("both", "after"):
            target = b"/%b/\xe9?x%%5B%%5D=1&name=Ann&q=\xff" % path.encode()
            connection.socket.sendall(b"GET %b HTTP/1.1\r\nhost: test\r\n\r\n" % target)
            assert connection.answer().json() == [[f"/{path}/\ufffd", "Ann", "1", ["\ufffd"]]] * 2


def leaving_app(kind):
    app = make_app(kind)
    app.register(socketify_ext.extension("nothing")(lambda request, response, ws: None))
    left, over, told = asyncio.Event(), asyncio.Event(), []

    async def wait(res, req):
        told.append(req.aborted)
        res.on_aborted(lambda res: left.set())
        await left.wait()
        told.append([req.aborted, req.response is None])
        over.set()

    async def ask(res, req):
        await over.wait()
        res.end([*told, req.aborted])

    app.get("/wait", wait)
    app.get("/ask", ask)
    return app


@pytest.mark.parametrize("kind", ["app", "install", "stock"])
def test_a_request_knows_whether_its_client_has_left(kind):
    with serve(leaving_app, kind=kind) as serving, wire(serving.port) as other:
        with wire(serving.port) as connection:
            connection.send("GET", "/wait")
        assert other.ask("GET", "/ask").json() == [False, [True, True], False]


def shouting_app():
    @socketify_ext.extension("shouting")
    def shouting(request, response, ws):
        @request.method(override=True)
        def get_full_url(self):
            return "/elsewhere?page=1"

    app = socketify_ext.App(on_collision="replace")
    app.register(shouting)

    def urls(res, req):
        req.preserve()
        res.end([req.get_url(), req.get_full_url()])

    app.get("/here", urls)
    return app


def test_a_snapshot_has_the_path_of_the_request_where_an_extension_has_another_full_url():
    with serve(shouting_app) as serving, wire(serving.port) as connection:
        assert connection.ask("GET", "/here").json() == ["/here", "/elsewhere?page=1"]
