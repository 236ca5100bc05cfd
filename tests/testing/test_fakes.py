"""A handler answers the same on a fake response as on a server: status, headers and body."""

import asyncio
import inspect
import json
import logging

import httpx2
import pytest

import socketify_ext
from socketify_ext.testing import extension_app, fake_request, fake_response, serve

BODY = b"twelve bytes"
FRAMING = {"connection", "content-length", "date", "server", "transfer-encoding", "uwebsockets"}  # what the core adds
HANDLERS = {
    "a dict is JSON": lambda res, req: res.end({"tea": ["green"]}),
    "JSON of a type of its own": lambda res, req: res.write_header("Content-Type", "a/b").end({"tea": 1}),
    "a header twice": lambda res, req: (
        res.write_header("Content-Type", "a/b").write_header("content-type", "c/d").end("")
    ),
    "send with a type": lambda res, req: res.send("<p>", "text/html"),
    "the type of send wins": lambda res, req: res.write_header("Content-Type", "a/b").send("<p>", "text/html"),
    "send with all": lambda res, req: res.send({"tea": 1}, status=201, headers=[("X-Tea", "green"), ("X-Cup", 2)]),
    "send JSON with a type": lambda res, req: res.send(["tea"], "text/html"),
    "send nothing": lambda res, req: res.send(),
    "redirect": lambda res, req: res.redirect("/elsewhere", 307),
    "a status without a body": lambda res, req: res.write_status(204).end("left out"),
    "not modified": lambda res, req: res.write_status(304).write_header("Content-Length", 12).end_without_body(),
    "a length of one's own": lambda res, req: res.write_header("Content-Length", 3).end("tea"),
    "cookies": lambda res, req: (
        res.set_cookie("a", "1").set_cookie("b", "2", {"path": "/"}).set_cookie("a", "3").end("x")
    ),
    "a status after the head": lambda res, req: res.write("a").write_status(404).end("b"),
    "the last status": lambda res, req: res.write_status(404).write_status("299 Nearly").end("x"),
    "the last header": lambda res, req: res.write_header("X-A", 1).write_header("x-a", 2).set_header("X-A", 3).end(b""),
    "a body of known size": lambda res, req: res.try_end(b"tea", 3),
    "chunks": lambda res, req: res.write("a").write(["b"]).write(b"c").end(None),
    "nothing": lambda res, req: res.end(None),
    "bytes": lambda res, req: res.end(b"\xff\x00"),
    "corked": lambda res, req: res.cork(lambda res: res.write_status(202).end("tea")),
    "addresses": lambda res, req: res.end([res.get_remote_address(), str(res.get_remote_address_bytes())]),
    "proxied addresses": lambda res, req: res.end(
        [res.get_proxied_remote_address(), str(res.get_proxied_remote_address_bytes())]
    ),
    "two answers": lambda res, req: res.end("first").end("second"),
    "an offset": lambda res, req: res.write("tea").end(res.get_write_offset()),
}


def handler(function):
    HANDLERS[function.__name__] = function
    return function


@handler
async def the_body(res, req):
    res.end(await res.get_text())


@handler
async def one_body_for_all(res, req):
    res.end(res.get_data() is res.get_data())


@handler
async def too_large_a_body(res, req):
    try:
        await res.get_data(3)
    except socketify_ext.HTTPError as error:
        res.end([error.status, error.detail])


@handler
async def a_body_in_parts(res, req):
    res.end([part.decode() async for part in res.body()])


@handler
async def streamed(res, req):
    async def parts():
        yield "one, "
        await res.drain()
        yield b"two"

    await res.write_status(201).stream(parts(), "text/csv")


@handler
async def streamed_from_a_list(res, req):
    await res.stream(["a", "", b"b"])


@handler
async def streamed_without_a_body(res, req):
    await res.write_status(204).stream(["a"])


@handler
async def in_parts_that_are_awaited(res, req):
    await res.send_chunk(b"one", 6)
    await res.send_chunk(b"two", 6)


@handler
async def after_an_await(res, req):
    res.set_cookie("a", "1")
    await asyncio.sleep(0)
    res.write_status(202).end({"late": True})


def refused(res, req):
    res.write_header("X-Tea", "green")
    raise socketify_ext.HTTPError(418, "tea", {"X-Pot": "full"})


def make():
    app = extension_app()
    for number, function in enumerate(HANDLERS.values()):
        app.any(f"/{number}", function)
    app.post("/refused", refused)
    return app


@pytest.fixture(scope="module")
def server():
    with serve(make) as serving:
        yield serving


def sent(server, path, method="POST"):
    answer = httpx2.request(method, server.url + path, content=BODY)
    return answer.status_code, kept(answer.headers.multi_items()), answer.content


def kept(headers):
    return sorted((name.lower(), value) for name, value in headers if name.lower() not in FRAMING)


async def recorded(function, method="POST"):
    request = fake_request(method=method, body=BODY)
    response = fake_response(request=request)
    result = function(response, request)
    if inspect.isawaitable(result):
        await result
    answer = response.recorded
    assert answer.complete
    return answer.status, kept(answer.headers), answer.body


@pytest.mark.parametrize("name", HANDLERS)
def test_a_fake_answers_as_the_server_does(server, name, caplog):
    caplog.set_level(logging.CRITICAL)
    real = sent(server, f"/{list(HANDLERS).index(name)}")
    assert asyncio.run(recorded(HANDLERS[name])) == real


@pytest.mark.parametrize("name", ["a dict is JSON", "send with all", "redirect", "bytes"])
def test_a_fake_answers_head_as_the_server_does(server, name):
    real = sent(server, f"/{list(HANDLERS).index(name)}", "HEAD")
    assert asyncio.run(recorded(HANDLERS[name], "HEAD")) == real
    assert real[2] == b""


def test_an_error_is_raised_to_the_test_where_the_server_makes_an_answer_of_it(server):
    status, headers, body = sent(server, "/refused")
    with pytest.raises(socketify_ext.HTTPError) as caught:
        asyncio.run(recorded(refused))
    assert (caught.value.status, {"detail": caught.value.detail}) == (status, json.loads(body))
    assert ("x-pot", "full") in headers


def test_the_head_is_recorded_before_the_answer():
    response = fake_response()
    response.write_status(404).write_header("X-A", 1).set_cookie("a", "1")
    assert (response.recorded.status, response.recorded.complete) == (404, False)
    assert response.recorded.headers == [("X-A", "1"), ("Set-Cookie", "a=1; Path=/")]
    assert repr(response.recorded).startswith("<Answer 404 [('X-A', '1')")


def test_an_error_in_a_callback_reaches_the_test():
    response = fake_response(request=fake_request(method="POST", body=BODY))

    def broken(res, chunk, is_end):
        raise LookupError("no such tea")

    with pytest.raises(LookupError, match="no such tea"):
        response.on_data(broken)
    with pytest.raises(LookupError, match="no such tea"):
        response.cork(lambda res: broken(res, b"", is_end=True))


def test_what_the_real_response_refuses_a_fake_one_refuses():
    response = fake_response()
    with pytest.raises(socketify_ext.HTTPError, match="Sec-WebSocket-Key"):
        response.upgrade("short", "", "", None)
    with pytest.raises(socketify_ext.ExtensionError, match="the first 3 bytes"):
        response.write_offset(3)
    with pytest.raises(RuntimeError, match="no template engine"):
        response.render("page.html")
    assert response.pause().resume().write_continue().end("there").recorded.text == "there"
    assert fake_response().trigger_aborted().recorded.closed
