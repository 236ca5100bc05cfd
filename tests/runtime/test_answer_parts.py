"""What comes behind a head, and parts of a body: each fits what the client was told, or is refused."""

import asyncio
import itertools

import pytest
from wire import wire

WAYS = ("end", "send", "json", "write", "try_end", "chunk", "file", "error")
EARLY = ("at once", "late")


def make_app():
    import socketify_ext

    app = socketify_ext.App()

    def answer(res, way, status):
        if way == "error":
            raise socketify_ext.HTTPError(status, headers={"ETag": '"1"'})
        res.write_status(status)
        if way == "end":
            res.end("a body")
        elif way == "send":
            res.send("a body", headers=[("ETag", '"1"')])
        elif way == "json":
            res.end({"a": "body"})
        elif way == "write":
            res.write("a ").write("body").end("!")
        elif way == "try_end":
            res.try_end("a body", 6)
        elif way == "chunk":
            res.send_chunk(b"a body", 6)
        elif way == "file":
            res.send_file(__file__)

    def handler(way, status):
        async def late(res, req):
            await asyncio.sleep(0)
            answer(res, way, status)

        return lambda res, req: answer(res, way, status), late

    for way, status in itertools.product(WAYS, (204, 304)):
        for when, each in zip(EARLY, handler(way, status), strict=True):
            app.get(f"/{status}/{way}/{when.replace(' ', '-')}", each)
            app.head(f"/{status}/{way}/{when.replace(' ', '-')}", each)

    def behind(call):
        def handle(res, req, *context):
            res.write("a part")
            call(res, *context)
            if not res.has_responded():
                res.end(" and the end")

        return handle

    key = "dGhlIHNhbXBsZSBub25jZQ=="
    app.get("/continue", behind(lambda res: res.write_continue()))
    app.get("/status", behind(lambda res: res.write_status(404)))
    app.get("/without-body", behind(lambda res: res.end_without_body()))
    app.get("/last", behind(lambda res: res.end("!", True)))
    app.ws("/upgrade", {"upgrade": behind(lambda res, context: res.upgrade(key, None, None, context))})

    def refused(*calls):
        def handle(res, req):
            found = []
            for call in calls:
                try:
                    call(res)
                except Exception as error:
                    found.append(type(error).__name__)
            res.write_offset(0).end(found)

        return handle

    app.get(
        "/parts",
        refused(
            lambda res: res.try_end("abc", 2),
            lambda res: res.try_end("abc", -1),
            lambda res: res.try_end("abc", 2**64),
            lambda res: res.try_end(None, 3),
            lambda res: res.try_end("abc", "3"),
            lambda res: res.write_offset(-1),
            lambda res: res.write_offset(3).try_end("d", 4),
        ),
    )

    def other_size(res, req):
        res.try_end("abc", 6)
        res.try_end("def", 7)

    def mixed(res, req):
        res.write("abc")
        res.try_end("def", 6)

    async def overlapping(res, req):
        big = b"x" * 20_000_000
        first = res.send_chunk(big, len(big))
        try:
            res.send_chunk(big, len(big))
        except socketify_ext.errors.BodyError as error:
            print(type(error).__name__, flush=True)
        await first

    app.get("/other-size", other_size)
    app.get("/mixed", mixed)
    app.get("/overlapping", overlapping)
    app.get("/next", lambda res, req: res.end("the next answer"))
    return app


@pytest.mark.parametrize("when", EARLY)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_follows_the_head_of_an_answer_without_a_body(server, method, status, way, when):
    with wire(server.port) as connection:
        connection.send(method, f"/{status}/{way}/{when.replace(' ', '-')}")
        head = connection.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert connection.ask("GET", "/next").body == b"the next answer"


@pytest.mark.parametrize(("path", "body"), [("continue", b" and the end"), ("status", b" and the end"), ("last", b"!")])
def test_what_comes_before_a_head_is_refused_behind_it(server, path, body):
    with wire(server.port) as connection:
        connection.send("GET", f"/{path}")
        assert b"200 OK" in connection.read_until(b"\r\n\r\n")
        assert connection.read_until(b"0\r\n\r\n") == b"6\r\na part\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        assert connection.ask("GET", "/next").body == b"the next answer"


def test_a_body_that_has_begun_is_ended_without_more_of_it(server):
    with wire(server.port) as connection:
        connection.send("GET", "/without-body")
        connection.read_until(b"\r\n\r\n")
        assert connection.read_until(b"0\r\n\r\n") == b"6\r\na part\r\n0\r\n\r\n"
        assert connection.ask("GET", "/next").body == b"the next answer"


def test_a_request_whose_answer_has_begun_becomes_no_websocket(server):
    with wire(server.port) as connection:
        headers = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
        connection.send("GET", "/upgrade", **headers, **{"sec-websocket-version": "13"})
        assert b"200 OK" in connection.read_until(b"\r\n\r\n")
        assert connection.read_until(b"0\r\n\r\n") == b"6\r\na part\r\nc\r\n and the end\r\n0\r\n\r\n"


def test_parts_that_do_not_fit_the_announced_size_are_refused(server):
    with wire(server.port) as connection:
        found = connection.ask("GET", "/parts").json()
        assert found == [*["BodyError"] * 3, *["TypeError"] * 2, *["BodyError"] * 2]


@pytest.mark.parametrize("path", ["/other-size", "/mixed"])
def test_a_body_that_can_not_be_completed_ends_its_connection(server, path):
    with wire(server.port) as connection:
        connection.send("GET", path)
        assert b"def" not in connection.read_to_end()
    server.wait_for_log("BodyError")


def test_parts_of_a_body_do_not_overlap(server):
    with wire(server.port) as connection:
        connection.send("GET", "/overlapping")
        connection.read_until(b"\r\n\r\n")
        received = len(connection.rest)
        while received < 20_000_000:
            received += len(connection.socket.recv(1 << 20))
        assert received == 20_000_000
    server.wait_for_log("BodyError")
