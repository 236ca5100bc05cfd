"""The query of a request, and that a URL is read the same before and after an await whatever bytes it has."""

from urllib.parse import parse_qs

import pytest
import reading_apps
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire import wire

from socketify_ext.runtime.query import query_pairs, query_value, query_values
from socketify_ext.testing import fake_request, serve


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1", {"a": ["1"]}),
        ("a=1&a=2&b=", {"a": ["1", "2"], "b": [""]}),
        ("a&b=1", {"a": [""], "b": ["1"]}),
        ("&&a=1&", {"a": ["1"]}),
        ("=1&=&a", {"": ["1", ""], "a": [""]}),
        ("x%5B%5D=1&my+key=2&m%79%20key=3", {"x[]": ["1"], "my key": ["2", "3"]}),
        ("a=1+2%2B3%25&b=%zz%", {"a": ["1 2+3%"], "b": ["%zz%"]}),
        ("a=b=c&d=e?f", {"a": ["b=c"], "d": ["e?f"]}),
        ("a=1;b=2", {"a": ["1;b=2"]}),
        ("a=%ff&b=%C3%A9&c=\ufffd", {"a": ["\ufffd"], "b": ["é"], "c": ["\ufffd"]}),
        ("%00=1&a=%00", {"\0": ["1"], "a": ["\0"]}),
    ],
)
def test_a_query_is_read_as_browsers_write_it(query, values):
    url = f"/path?{query}"
    assert query_values(url) == values
    assert query_values("/path") == {}
    for key, (first, *_) in values.items():
        assert query_value(url, key) == first
    assert query_value(url, "nothing") is None


@given(st.text("a%=&+?;/é5C "))
def test_it_is_what_the_standard_library_reads(query):
    assert query_values(f"/?{query}") == parse_qs(query, keep_blank_values=True)


@given(st.text("a%=&+5C0"), st.text("a%=&+5C0 [\0", max_size=2))
def test_all_ways_to_ask_agree(query, key):
    request = fake_request(url=f"/?{query}")
    found = request.get_queries().get(key, [])
    assert request.get_query_list(key) == found
    assert request.get_query(key) == request.get_query(key.encode()) == (found[0] if found else None)
    assert list(query_pairs(request.get_full_url())) == [
        pair for pair in query_pairs(request.get_full_url()) if pair[1] in request.get_query_list(pair[0])
    ]


@pytest.mark.parametrize("key", [None, 5, 1.5, [], object()])
def test_a_key_that_is_no_text_is_a_type_error(key):
    request = fake_request(query={"5": 1})
    for ask in (request.get_query, request.get_query_list):
        with pytest.raises(TypeError, match="a query's key is text"):
            ask(key)


@pytest.fixture(scope="module", params=["app", "install", "stock"])
def connection(request):
    with serve(reading_apps.urls, kind=request.param) as server, wire(server.port) as connected:
        yield connected


def ask(connection, path, target):
    connection.socket.sendall(b"GET /%b/%b HTTP/1.1\r\nhost: test\r\n\r\n" % (path, target))
    return connection.answer()


@pytest.mark.parametrize("path", [b"sync", b"after", b"both"])
def test_a_byte_that_is_no_text_is_replaced_and_hides_no_other_part(connection, path):
    for read in ask(connection, path, b"\xe9/2?a=caf\xe9&name=Ann&x%5B%5D=1&my+key=2").json():
        assert read["query"] == ["caf\ufffd", "Ann", "1", "2", None, None]
        assert read["parameters"] == ["\ufffd", "2"]
        assert read["url"].endswith("/\ufffd/2")


# Whatever a request line may hold: not the blank that ends the target, nor the line's own ends.
BYTES = st.binary().map(lambda data: bytes(byte for byte in data if byte > 0x20 and byte != 0x7F))
TOKENS = st.sampled_from(
    [b"a", b"name", b"=", b"&", b"%", b"%C3%A9", b"\xc3", b"\xa9", b"%ff", b"+", b"x%5B%5D", b"?", b"/"]
)
PARTS = st.one_of(BYTES, st.lists(TOKENS, max_size=12).map(b"".join))
SEGMENTS = PARTS.map(lambda data: data.replace(b"/", b"").replace(b"?", b"").replace(b"#", b"")).filter(bool)


@settings(deadline=None, max_examples=150)
@given(SEGMENTS, SEGMENTS, PARTS)
@example(b"\xc3%A9", b"%c3\xa9", b"a=\xc3%A9&\xff&name=%c3%a9&=&")
@example(b"%", b"%2", b"%=&+=+&a&a=1#a=2")
@example(b"..", b"%2e%2E", b"a=1")
def test_a_url_is_read_the_same_before_and_after_an_await_whatever_bytes_it_has(connection, first, second, query):
    target = b"%b/%b?%b" % (first, second, query)
    answers = [ask(connection, path, target) for path in (b"sync", b"after", b"both")]
    assert {answer.status for answer in answers} == {"200 OK"}
    (sync,), (after,), (before, then) = (answer.json() for answer in answers)
    assert before == then
    for read, path in ((after, "after"), (before, "both")):
        assert read == {
            **sync,
            "url": sync["url"].replace("/sync", f"/{path}", 1),
            "full": sync["full"].replace("/sync", f"/{path}", 1),
        }
    assert sync["parameters"] == [part.decode(errors="replace") for part in (first, second)]
