"""`req.get_header_list`: the elements of all lines of a header (RFC 9110, 5.3 and 5.6.1)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import wire

from socketify_ext.runtime.request import _elements


def make_app():
    import asyncio

    import socketify_ext

    app = socketify_ext.App()

    async def listed(res, req):
        before = [req.get_header_list("X-List"), req.get_header("x-list")]
        await asyncio.sleep(0)
        res.end([before, [req.get_header_list("x-list"), req.get_header("x-list")]])

    async def first(res, req):
        before = req.get_header("x-list")
        await asyncio.sleep(0)
        res.end([before, req.get_header("x-list"), req.get_header_lines("X-List")])

    async def codings(res, req):
        before = req.get_accepted_codings(("zstd", "br", "gzip"))
        await asyncio.sleep(0)
        res.end([before, req.get_accepted_codings(["zstd", "br", "gzip"])])

    app.get("/codings", codings)
    app.get("/", listed)
    app.get("/first", first)
    return app


@pytest.mark.parametrize(
    ("lines", "elements", "first"),
    [
        ([], [], None),
        ([b"a"], ["a"], "a"),
        ([b""], [], ""),
        ([b"a, b,,c ,"], ["a", "b", "c"], "a, b,,c ,"),
        ([b"a", b"b, c"], ["a", "b", "c"], "a"),
        ([b'"a, b", c', b"d"], ['"a, b"', "c", "d"], '"a, b", c'),
        ([b'"a \\", b", c'], ['"a \\", b"', "c"], '"a \\", b", c'),
        ([b'"open, b'], ['"open, b'], '"open, b'),
        ([b"1\xff1", b"2"], ["1\ufffd1", "2"], None),
        ([b"1", b"2\xff2"], ["1", "2\ufffd2"], "1"),
    ],
)
def test_all_lines_are_one_list_before_and_after_an_await(server, lines, elements, first):
    head = b"".join(b"X-List: %b\r\n" % line for line in lines)
    with wire(server.port) as connection:
        connection.socket.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n" + head + b"\r\n")
        before, after = connection.answer().json()
    assert before == after == [elements, first]


@pytest.mark.parametrize(
    "lines", [[], [b""], [b"a, b"], [b"a", b"b, c"], [b"1\xff1", b"a"], [b"a", b"1\xff1"], [b"a\xffb", b"b\xffc"]]
)
def test_lines_are_told_apart_and_the_first_one_counts_whenever_it_is_read(server, lines):
    head = b"".join(b"X-List: %b\r\n" % line for line in lines)
    with wire(server.port) as connection:
        connection.socket.sendall(b"GET /first HTTP/1.1\r\nHost: test\r\n" + head + b"\r\n")
        before, after, told = connection.answer().json()
    assert told == [line.decode(errors="replace") for line in lines]
    try:
        assert before == after == (lines[0].decode() if lines else None)
    except UnicodeDecodeError:
        assert before is after is None


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], []),
        ([b"gzip, deflate, br"], ["br", "gzip"]),
        ([b"gzip;q=0.5", b"br;q=0.8, \xff"], ["br", "gzip"]),
        ([b"*;q=0.5, br;q=0"], ["zstd", "gzip"]),
        ([b"identity, gzip;q=0.5"], []),
    ],
)
def test_the_codings_that_a_client_likes_are_read_from_all_lines(server, lines, wanted):
    head = b"".join(b"Accept-Encoding: %b\r\n" % line for line in lines)
    with wire(server.port) as connection:
        connection.socket.sendall(b"GET /codings HTTP/1.1\r\nHost: test\r\n" + head + b"\r\n")
        assert connection.answer().json() == [wanted, wanted]


@given(st.text('a,"\\ ', max_size=60))
def test_no_element_is_empty_and_none_has_a_comma_outside_of_quotes(line):
    elements = list(_elements(line))
    assert all(element and element == element.strip() for element in elements)
    assert all('"' in element for element in elements if "," in element)


def test_the_work_grows_with_the_length():
    def taken(length):
        began = time.process_time()
        for line in ('"' * length, '\\"' * length, 'a"' * length, '",' * length):
            list(_elements(line))
        return time.process_time() - began

    # Quadratic work on the longer one would take minutes; the bound is no timing.
    assert taken(100_000) < 1000 * (taken(1_000) + 0.01)
