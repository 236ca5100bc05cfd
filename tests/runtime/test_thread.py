"""Calls from other threads are handed to the server's thread, or are errors that say so; the process lives."""

import httpx2
import pytest
from websockets.sync.client import connect
from wire import gather, wire

from socketify_ext.errors import ThreadError

CALLS = 300
ROUTES = ("to_thread", "early", "parts", "whole", "at_once", "joined", "unfinished", "unanswered", "native", "reading")


def make_app():
    import asyncio
    import threading

    import socketify_ext

    app = socketify_ext.App()
    refusals = []

    def in_thread(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def refused(function, *arguments):
        try:
            function(*arguments)
        except Exception as error:
            refusals.append(type(error).__name__)

    async def to_thread(res, req):
        await asyncio.to_thread(res.end, req.get_query("token"))

    def early(res, req):
        token = req.get_query("token")
        in_thread(res.end, token)
        res.grab_aborted_handler()

    def parts(res, req):
        token = req.get_query("token")
        res.grab_aborted_handler()
        in_thread(lambda: (res.write(token[:2]), res.write(token[2:]), res.end()))

    def whole(res, req):
        token = req.get_query("token")
        res.grab_aborted_handler()
        in_thread(lambda: res.write_status(201).write_header("token", token).set_cookie("a", token).send(token))

    async def at_once(res, req):
        token = req.get_query("token")
        await asyncio.to_thread(lambda: res.write(token[:2]).write(token[2:-1]).end(token[-1]))

    def joined(res, req):
        token = req.get_query("token")
        thread = threading.Thread(target=lambda: res.set_cookie("a", token).end(token))
        thread.start()
        thread.join()

    async def unfinished(res, req):
        await asyncio.to_thread(res.write, "a part")

    def unanswered(res, req):
        in_thread(res.end, "too late, or just in time")

    async def native(res, req):
        calls = (
            lambda: res.try_end("x", 1),
            lambda: res.get_remote_address(),
            lambda: res.on_data(print),
            lambda: res.pause(),
            lambda: res.cork(print),
            lambda: app.run_async(None),
            lambda: app.get("/late", print),
            lambda: app.num_subscribers("t"),
        )
        await asyncio.to_thread(lambda: [refused(call) for call in calls])
        res.end([refusals.pop() for _ in calls])

    def reading(res, req):
        found = []
        thread = threading.Thread(target=lambda: refused(req.get_header, "token"))
        thread.start()
        thread.join()
        found.append(refusals.pop())
        req.preserve()
        thread = threading.Thread(target=lambda: found.append(req.get_header("token")))
        thread.start()
        thread.join()
        res.end(found)

    for name, handler in locals().copy().items():
        if name in ROUTES:
            app.get(f"/{name}", handler)

    def stop(res, req):
        res.end("stops")
        in_thread(app.close)

    app.get("/stop", stop)

    def message(ws, text, _):
        def talk():
            for number in range(1000):
                (ws.send if text == "send" else lambda data, code: app.publish("t", data, code))(str(number), 1)
            if text == "send":
                ws.end(1000, "done")

        in_thread(talk)

    app.ws("/ws", {"open": lambda ws: ws.subscribe("t"), "message": message, "max_backpressure": 1 << 20})
    return app


@pytest.mark.parametrize("path", ["to_thread", "early", "parts", "whole", "at_once", "joined"])
def test_an_answer_from_another_thread_is_that_requests_answer(server, path):
    if path in ("parts", "at_once"):
        for number in range(CALLS):
            assert httpx2.get(f"{server.url}/{path}?token=token{number}").text == f"token{number}"
        return
    answers = gather(server.port, [(f"/{path}?token=token{number}", {}) for number in range(CALLS)])
    assert [answer.body.decode() for answer in answers] == [f"token{number}" for number in range(CALLS)]


def test_a_handler_that_leaves_its_answer_to_a_thread_without_a_word_gets_one_answer(server):
    for answer in gather(server.port, [("/unanswered", {})] * CALLS):
        assert answer.body in (b"Internal Server Error", b"too late, or just in time")


def test_an_answer_that_a_thread_begins_and_nobody_ends_is_closed(server):
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{server.url}/unfinished")


def test_calls_whose_answer_is_awaited_are_refused(server):
    with wire(server.port) as connection:
        assert connection.ask("GET", "/native").json() == [ThreadError.__name__] * 8


def test_a_request_is_read_by_its_own_thread_until_it_is_preserved(server):
    with wire(server.port) as connection:
        assert connection.ask("GET", "/reading", token="secret").json() == [ThreadError.__name__, "secret"]


def test_messages_of_another_thread_keep_their_order(server):
    with connect(server.ws_url + "/ws", proxy=None) as client:
        client.send("send")
        assert list(client) == [str(number) for number in range(1000)]
        assert client.close_code == 1000


def test_publications_of_another_thread_keep_their_order(server):
    with connect(server.ws_url + "/ws", proxy=None) as client:
        client.send("publish")
        assert [client.recv(10) for _ in range(1000)] == [str(number) for number in range(1000)]


def test_another_thread_may_close_the_app():
    from socketify_ext.testing import serve

    with serve(make_app) as server:
        assert httpx2.get(server.url + "/stop").text == "stops"
        assert server.process.wait(20) == 0
