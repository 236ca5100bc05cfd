"""The names that a member reads of a request are found, however it reads them."""

from socketify_ext.conformance.names import recording
from socketify_ext.testing import fake_request


def test_each_way_to_read_a_name_is_recorded():
    read = {"header": set(), "query": set(), "cookie": set()}
    request = recording(fake_request(), read)
    for getter in ("get_header", "get_header_list", "get_header_lines", "get_query", "get_query_list"):
        getattr(request, getter)(getter)
    request.get_cookie("one")
    request.get_cookie_list("all")
    request.get_query(b"bytes")
    assert read["header"] >= {"get_header", "get_header_list", "get_header_lines"}
    assert read["query"] == {"get_query", "get_query_list", "bytes"}
    assert read["cookie"] == {"one", "all"}
