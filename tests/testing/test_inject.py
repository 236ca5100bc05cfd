"""Requests without a socket: the same answers as a server's, in every loop, and errors for what they can't do."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import http.client
import socket

import anyio
import httpx2
import injected_apps
import pytest
import socketify
from hypothesis import given, settings
from hypothesis import strategies as st

import socketify_ext
from socketify_ext.errors import ArgumentError, InjectError, LifecycleError, RequestGoneError, RouteOptionError
from socketify_ext.testing import extension_app, inject, serve, started

FRAMING = {"content-length", "transfer-encoding"}
ADDED = {"date", "server"}  # by the core's writer alone


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return injected_apps.make_folder(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def server(folder):
    with serve(injected_apps.make_app, folder=folder) as serving:
        yield serving


@pytest.fixture(scope="module")
def app(folder):
    return injected_apps.make_app(folder)


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def asked(server, method, path, headers, parts):
    """Send a request as it is, and return the answer of the server."""
    lines = [f"{method} {path} HTTP/1.1", "host: testserver", *(f"{name}: {value}" for name, value in headers)]
    body = b""
    if parts is None and method in ("POST", "PUT", "PATCH") and not FRAMING & dict(headers).keys():
        parts = [b""]
    if parts is not None and len(parts) == 1:
        lines.append(f"content-length: {len(parts[0])}")
        body = parts[0]
    elif parts is not None:
        lines.append("transfer-encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*filter(None, parts), b""])
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, sorted_lines(answer.getheaders()), answer.read()


def injected(loop, app, method, path, headers, parts):
    given = list(headers)
    content = b""
    if parts is not None and len(parts) == 1:
        content = parts[0]
        given.append(("content-length", str(len(content))))
    elif parts is not None:
        content = parts
    answer = loop.run_until_complete(inject(app, method, path, headers=given, content=content))
    return answer.status, sorted_lines(answer.headers.lines), answer.content


def sorted_lines(lines):
    return sorted((name.lower(), value) for name, value in lines if name.lower() not in ADDED)


ANSWERS = [
    f"/answer/{name}"
    for name in (
        *(
            "text",
            "bytes",
            "nothing",
            "number",
            "last",
            "no-content",
            "head",
            "redirect",
            "sized",
            "type",
            "corked",
            "twice",
        ),
        *("address", "file", "stream", "events", "parts", "cookies", "late"),
    )
] + [f"/error/{name}" for name in ("sync", "async", "http", "hook/sync", "hook/async", "hook/http")]
BODIES = [
    f"/{kind}/{name}"
    for kind in ("body", "limited")
    for name in ("whole", "late", "json", "form", "parts", "chunks", "no")
]
FILES = ["/files/tea.txt", "/files/large.bin", "/files/sub", "/files/sub/", "/files/none", "/files", "/files/../x"]
SCOPES = ["/scope", "/scope/here/7", "/scope/none", "/a/socket", "/none/at/all/of/these"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
NAMES = [f"{method} {pattern}" for pattern, methods in injected_apps.ROUTES.items() for method in methods]
HEADERS = st.one_of(
    st.tuples(st.just("x-yield"), st.lists(st.sampled_from(NAMES), max_size=4).map(", ".join)),
    st.tuples(st.just("x-refuse"), st.sampled_from(["answer", "raise", "late", ""])),
    st.sampled_from(
        [
            ("x-change", "1"),
            ("x-slow", "1"),
            ("range", "bytes=2-5"),
            ("range", "bytes=900-"),
            ("accept", "application/msgpack"),
            ("connection", "close"),
            ("content-type", "application/json"),
            ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", "a=1; b=%C3%A9"),
            ("cookie", "a=2"),
            ("x-many", "a, b"),
            ("x-many", "é"),
            ("x-many", "é tea é and é"),
            ("x-many", "\t(tea) \t"),
            ("x-many", ""),
            ("accept-encoding", "gzip"),
            ("expect", "tea"),
        ]
    ),
)
PARTS = st.one_of(
    st.none(),
    st.lists(
        st.sampled_from([b"", b"{}", b'{"a":1}', b"a=1&b=2", b"x" * 19, b"y" * 3000, b"z" * 99_000]),
        min_size=1,
        max_size=3,
    ),
)


@settings(max_examples=400)
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from([*injected_apps.PATHS, *ANSWERS, *BODIES, *FILES, *SCOPES]),
    query=st.sampled_from(["", "?", "?of=green&of=black", "?%C3%A9=%2B+x"]),
    headers=st.lists(HEADERS, max_size=4),
    parts=PARTS,
)
def test_a_request_has_the_answer_that_a_server_gives(server, app, loop, method, path, query, headers, parts):
    request = (method, path + query, headers, parts)
    assert injected(loop, app, *request) == asked(server, *request)


@pytest.mark.parametrize(
    "headers",
    [
        [("content-length", "2"), ("content-length", "3")],
        [("transfer-encoding", "gzip, chunked")],
        [("transfer-encoding", "identity")],
    ],
)
@pytest.mark.parametrize("path", ["/body/whole", "/body/no", "/body/late", "/none/of/these/at/all"])
def test_a_request_whose_end_is_in_doubt_is_refused_as_by_a_server(server, app, loop, path, headers):
    answer = loop.run_until_complete(inject(app, "POST", path, headers=headers, content=b"{}"))
    assert (answer.status, sorted_lines(answer.headers.lines), answer.content) == asked(
        server, "POST", path, headers, None
    )
    if path != "/body/no" or headers[0][0] == "transfer-encoding":
        assert (answer.status, answer.json()) == (400, {"detail": "the length of the body is ambiguous"})


def test_a_body_comes_as_fast_as_it_is_taken(server, app, loop):
    for size in (512 * 1024, 3 * 1024 * 1024 + 1):
        for path in ("/large/parts", "/large/chunks", "/large/late"):
            request = ("POST", path, [], [b"x" * size])
            assert injected(loop, app, *request) == asked(server, *request)


# -- what is given and what comes back


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


@socketify_ext.extension("members")
def members(request, response, ws):
    @request.property
    def shouted(self) -> str:
        return (self.get_header("name") or "").upper()

    @request.property
    async def late(self) -> str:
        await asyncio.sleep(0)
        return f"{self.shouted} {self.get_header('name')}"

    @request.method(override=True)
    def get_query(self, key):
        return f"<{type(self).__mro__[2].get_query(self, key)}>"

    @response.method
    def greet(self, name):
        return self.write_status(201).end(f"Hello, {name}!")


async def echo(res, req):
    return {
        "method": req.get_method(),
        "url": req.get_full_url(),
        "headers": req.get_headers(),
        "cookies": req.get_cookies(),
        "body": (await res.get_data()).getvalue().decode(),
    }


@pytest.fixture
def small():
    app = extension_app(members)
    app.get("/late", lambda res, req: req.late)
    app.get("/greet/:name", lambda res, req: res.greet(req.get_parameter("name")))
    app.get("/query", lambda res, req: req.get_query("a"))
    app.any("/echo", echo)
    app.get("/address", lambda res, req: [res.get_remote_address(), list(res.get_remote_address_bytes())])

    async def form(res, req):
        found = await res.get_form()
        return {"a": found.get_list("a"), "file": (await found["file"].read()).decode()}

    def cookies(res, req):
        res.set_cookie("session", "é; x", http_only=True).set_cookie("old", "1").delete_cookie("old")
        res.write_header("X-A", 1).write_header("X-A", 2).send("é".encode("latin-1"), "text/plain; charset=latin-1")

    app.post("/form", form)
    app.get("/cookies", cookies)
    return app


def test_members_of_all_kinds_are_there(small):
    headers = {"Name": "Ann"}
    assert run(inject(small, "GET", "/late", headers=headers)).text == "ANN Ann"
    assert run(inject(small, "GET", "/query?a=1")).text == "<1>"
    answer = run(inject(small, "GET", "/greet/Ann%20B"))
    assert (answer.status, answer.text) == (201, "Hello, Ann B!")


def test_a_request_has_what_was_given(small):
    answer = run(
        inject(
            small,
            "post",
            "/echo?a=ü b",
            headers={"X-List": ["1", "2"], "X-Number": 3, "Host": "shop.example"},
            query={"c": [1, 2], "d": "é&"},
            cookies={"session": "é; x", "b": ""},
            json={"tea": 1},
        )
    )
    assert answer.json() == {
        "method": "POST",
        "url": "/echo?a=%C3%BC%20b&c=1&c=2&d=%C3%A9%26",
        "headers": {
            "host": "shop.example",
            "content-type": "application/json",
            "content-length": "10",
            "x-list": "1",
            "x-number": "3",
            "cookie": "session=%C3%A9%3B%20x; b=",
        },
        "cookies": {"session": "é; x", "b": ""},
        "body": '{"tea": 1}',
    }


@pytest.mark.parametrize(
    ("body", "headers", "received"),
    [
        ({}, {"content-length": "0"}, ""),
        ({"json": None}, {"content-type": "application/json", "content-length": "4"}, "null"),
        ({"json": "tea"}, {"content-type": "application/json", "content-length": "5"}, '"tea"'),
        ({"content": "é"}, {"content-length": "2"}, "é"),
        ({"content": [b"a", b"", b"b"]}, {"transfer-encoding": "chunked"}, "ab"),
        ({"form": {"a": "1 2"}}, {"content-type": "application/x-www-form-urlencoded", "content-length": "5"}, "a=1+2"),
        ({"json": 1, "headers": {"Content-Type": "a/b"}}, {"content-type": "a/b", "content-length": "1"}, "1"),
    ],
)
def test_a_body_is_described_by_its_headers(small, body, headers, received):
    answer = run(inject(small, "POST", "/echo", **body)).json()
    assert (answer["headers"], answer["body"]) == ({"host": "testserver", **headers}, received)


def test_a_form_may_have_files(small):
    answer = run(inject(small, "POST", "/form", form={"a": ["1", "2"], "file": ("tea.txt", "green")}))
    assert answer.json() == {"a": ["1", "2"], "file": "green"}


def test_an_answer_has_headers_text_and_cookies(small):
    answer = run(inject(small, "GET", "/cookies"))
    assert answer.text == "é"
    assert answer.content == b"\xe9"
    assert answer.headers["x-a"] == "1, 2"
    assert answer.headers.get_list("X-A") == ["1", "2"]
    assert answer.headers.get("x-none") is None
    assert set(answer.headers) == {"x-a", "set-cookie", "content-type", "content-length"}
    assert len(answer.headers) == 4
    assert answer.cookies == {"session": "é; x"}
    assert run(inject(small, "GET", "/echo", cookies=answer.cookies)).json()["cookies"] == {"session": "é; x"}


def test_the_address_of_the_client_is_given(small):
    assert run(inject(small, "GET", "/address")).json() == ["127.0.0.1", [127, 0, 0, 1]]
    answer = run(inject(small, "GET", "/address", remote_address="2001:db8::1"))
    assert answer.json() == ["2001:0db8:0000:0000:0000:0000:0000:0001", [32, 1, 13, 184, *[0] * 11, 1]]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("GET", "cart"), "it is not a path"),
        (("GET", "http://shop/"), "it is not a path"),
        (("GET", None), "it is not a path"),
        (("PROPFIND", "/"), "the core serves no such method"),
        ((None, "/"), "the core serves no such method"),
    ],
)
def test_what_no_request_can_hold_is_refused(small, arguments, why):
    with pytest.raises(ArgumentError, match=why):
        run(inject(small, *arguments))


@pytest.mark.parametrize(
    "given",
    [
        {"headers": {"a b": "1"}},
        {"headers": {"a": "1\r\nb: 2"}},
        {"headers": [("a", b"\0")]},
        {"json": 1, "content": "x"},
        {"json": 1, "form": {}},
    ],
)
def test_what_no_headers_and_body_can_hold_is_refused(small, given):
    with pytest.raises(ArgumentError):
        run(inject(small, "POST", "/echo", **given))


def test_an_app_of_the_core_is_refused():
    with pytest.raises(ArgumentError, match=r"was given a App.*install\(app\)"):
        run(inject(socketify.App(), "GET", "/"))
    app = socketify_ext.install(socketify.App())
    app.get("/", lambda res, req: "installed")
    assert run(inject(app, "GET", "/")).text == "installed"


# -- loops


def test_each_loop_serves_an_app_without_start_up(small):
    for _ in range(3):
        assert run(inject(small, "GET", "/late", headers={"name": "Ann"})).text == "ANN Ann"


def test_an_app_may_be_made_in_the_loop_that_serves_it():
    async def make_and_ask():
        app = extension_app(members)
        app.get("/late", lambda res, req: req.late)
        async with started(app):
            return await inject(app, "GET", "/late", headers={"name": "Ann"})

    for _ in range(3):
        assert run(make_and_ask()).text == "ANN Ann"


def test_another_thread_may_serve_it(small):
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        answers = [
            threads.submit(run, inject(small, "GET", "/late", headers={"name": "Ann"})).result() for _ in range(2)
        ]
    assert [answer.text for answer in [*answers, run(inject(small, "GET", "/greet/B"))]] == [
        *["ANN Ann"] * 2,
        "Hello, B!",
    ]


def test_anyio_and_its_groups_serve_it_on_asyncio(small):
    async def ask():
        answers = []

        async def one(name):
            with anyio.fail_after(30):
                answers.append((await inject(small, "GET", "/late", headers={"name": name})).text)

        async with anyio.create_task_group() as group:
            for name in ("Ann", "Bob"):
                group.start_soon(one, name)
        return sorted(answers)

    assert anyio.run(ask) == ["ANN Ann", "BOB Bob"]


def test_another_kind_of_loop_is_an_error(small):
    with pytest.raises(InjectError, match=r"no event loop of asyncio runs"):
        inject(small, "GET", "/late").send(None)


def test_requests_at_once_have_their_own_answers(small):
    async def ask():
        asked = [inject(small, "GET", "/late", headers={"name": f"user-{number}"}) for number in range(200)]
        return [answer.text for answer in await asyncio.gather(*asked)]

    assert run(ask()) == [f"USER-{number} user-{number}" for number in range(200)]


def test_variables_of_a_handler_are_not_those_of_the_test():
    variable = contextvars.ContextVar("variable", default="none")
    app = socketify_ext.App()
    tasks = []

    def handler(res, req):
        seen = variable.get()
        variable.set("of the handler")
        tasks.append(asyncio.current_task())
        return seen

    app.get("/", handler)

    async def ask():
        variable.set("of the test")
        return [(await inject(app, "GET", "/")).text for _ in range(2)], variable.get()

    assert run(ask()) == (["of the test"] * 2, "of the test")
    assert tasks == [None, None]


def test_a_request_is_gone_when_its_handler_has_returned(small):
    kept = []
    small.get("/keep", lambda res, req: kept.append(req) or "kept")
    small.get("/preserve", lambda res, req: kept.append(req.preserve()) or "kept")
    run(inject(small, "GET", "/keep", headers={"name": "Ann"}))
    run(inject(small, "GET", "/preserve", headers={"name": "Ann"}))
    with pytest.raises(RequestGoneError):
        kept[0].get_header("name")
    assert kept[1].get_header("name") == "Ann"


def with_start_up(*, fails=False):
    app = socketify_ext.App()
    events = []

    @app.on_startup
    async def start():
        events.append(("started", asyncio.get_running_loop()))
        if fails:
            raise LookupError("no database")

    @app.on_shutdown
    async def stop():
        events.append(("stopped", asyncio.get_running_loop()))

    async def handler(res, req):
        events.append(("asked", asyncio.get_running_loop()))
        app.run_async(background(events))
        return "ready"

    async def background(events):
        await asyncio.sleep(0)
        events.append(("background", asyncio.get_running_loop()))

    app.get("/", handler)
    return app, events


def test_start_up_and_shutdown_run_around_the_requests_in_their_loop():
    app, events = with_start_up()

    async def ask():
        async with started(app) as same:
            assert same is app
            answer = await inject(app, "GET", "/")
            assert (answer.text, answer.headers.get("connection")) == ("ready", None)
        return asyncio.get_running_loop()

    for _ in range(2):  # an app may be started again
        loop = run(ask())
        assert events == [(name, loop) for name in ("started", "asked", "background", "stopped")]
        events.clear()


def test_an_app_with_start_up_functions_is_started_first():
    app, events = with_start_up()
    with pytest.raises(InjectError, match=r"its start-up functions have not run. Write async with started\(app\)"):
        run(inject(app, "GET", "/"))
    assert events == []
    app.lifespan = False
    assert run(inject(app, "GET", "/")).text == "ready"


def test_an_app_is_started_once_and_asked_in_its_loop():
    app, _ = with_start_up()

    async def start():
        async with started(app):
            with pytest.raises(InjectError, match="can't be started: it has been"):
                async with started(app):
                    pass
            with pytest.raises(InjectError, match="started in another event loop"):
                await asyncio.to_thread(asyncio.run, inject(app, "GET", "/"))

    run(start())


def test_a_failed_start_up_is_an_error_and_may_be_tried_again():
    app, events = with_start_up(fails=True)

    async def start():
        async with started(app):
            pass

    for _ in range(2):
        with pytest.raises(LifecycleError, match="no database"):
            run(start())
    assert [name for name, _ in events] == ["started"] * 2


def test_an_unknown_option_of_a_route_is_an_error():
    app, events = with_start_up()
    app.get("/other", lambda res, req: "x", nothing=1)

    async def start():
        async with started(app):
            pass

    with pytest.raises(RouteOptionError, match=r"GET /other.*nothing"):
        run(start())
    assert [name for name, _ in events] == ["started", "stopped"]


def test_routes_may_come_after_the_first_request(small):
    assert run(inject(small, "GET", "/new")).status == 404
    small.get("/new", lambda res, req: "new")
    assert run(inject(small, "GET", "/new")).text == "new"
    small.any("/*", lambda res, req: "any")
    small.before_request(lambda res, req: res.write_header("x-hook", 1))
    answer = run(inject(small, "GET", "/elsewhere"))
    assert (answer.text, answer.headers["x-hook"]) == ("any", "1")


def make_after_requests():
    app, _ = with_start_up()

    async def ask():
        async with started(app):
            return (await inject(app, "GET", "/")).text

    assert asyncio.run(ask()) == "ready"
    return app


def test_an_app_serves_after_its_requests_in_process():
    with serve(make_after_requests) as serving, httpx2.Client() as client:
        for path, status in (("/", 200), ("/none", 404)):
            assert client.get(serving.url + path).status_code == status
        assert serving.stop() == 0


# -- what has no answer


def test_a_websocket_is_not_opened(app, loop):
    key = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "a" * 22 + "=="}
    with pytest.raises(
        InjectError, match=r"WS /a/socket can't be made: a WebSocket needs a socket\. .*serve\(make_app\)"
    ):
        loop.run_until_complete(inject(app, "GET", "/a/socket", headers=key))
    assert loop.run_until_complete(inject(app, "GET", "/files/tea.txt", headers=key)).status == 200


def waiting_app():
    app = socketify_ext.App(cancel_on_abort=True)
    events = asyncio.Queue()

    async def wait(res, req):
        try:
            await asyncio.Event().wait()
        finally:
            events.put_nowait("cancelled")

    async def endless(res, req):
        async def parts():
            try:
                while True:
                    yield "tea"
                    await asyncio.sleep(0.001)
            finally:
                events.put_nowait("closed")

        await res.stream(parts())

    def close(res, req):
        res.close()

    def break_off(res, req):
        res.write("begun")
        raise ValueError("no")

    app.get("/wait", wait)
    app.get("/endless", endless)
    app.get("/close", close)
    app.get("/broken", break_off)
    app.after_response(lambda outcome: events.put_nowait(f"aborted {outcome.aborted}"))
    return app, events


@pytest.mark.parametrize(
    ("path", "why", "after"),
    [
        ("/wait", r"GET /wait has no answer: it is not complete after 0\.05 s\.", ["aborted True", "cancelled"]),
        ("/endless", r"not complete after 0\.05 s, after \d+ bytes of a body", ["aborted True", "closed"]),
        ("/close", "GET /close has no answer: the app has closed its connection", ["aborted True"]),
        ("/broken", "the app has closed its connection, after 5 bytes of a body", ["aborted True"]),
    ],
)
def test_what_gets_no_answer_is_an_error_and_its_client_leaves(path, why, after):
    app, events = waiting_app()

    async def ask():
        with pytest.raises(InjectError, match=why):
            await inject(app, "GET", path, timeout=0.05)
        return sorted([await events.get() for _ in after])

    assert run(ask()) == after


def test_a_test_that_is_cancelled_is_a_client_that_leaves():
    app, events = waiting_app()

    async def ask():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(inject(app, "GET", "/wait"), 0.05)
        return sorted([await events.get() for _ in range(2)])

    assert run(ask()) == ["aborted True", "cancelled"]


def test_the_end_of_the_requests_cancels_what_still_runs():
    app, events = waiting_app()
    app.shutdown_grace = 0.05

    async def ask():
        async with started(app):
            asked = asyncio.ensure_future(inject(app, "GET", "/wait", timeout=None))
            await asyncio.sleep(0.01)
        return (await asked).status

    assert run(ask()) == 503
    assert events.get_nowait() in ("cancelled", "aborted False")


def test_a_handler_that_ends_the_app_leaves_the_loop_of_the_test_alone(small):
    def leave(res, req):
        raise SystemExit(3)

    small.get("/leave", leave)

    async def ask():
        answer = await inject(small, "GET", "/leave")
        await asyncio.sleep(0.01)
        return answer.status

    assert run(ask()) == 500
