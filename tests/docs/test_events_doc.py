"""docs/events.md: its examples do what it says."""

import httpx2
import pytest
from doc_pages import python, written

from socketify_ext.testing import serve


def example():
    return written(block.text for block in python("docs/events.md"))


@pytest.fixture(scope="module")
def server():
    with serve(example) as server:
        yield server


def read(url, count, **headers):
    """Read a stream up to some number of empty lines; gives the lines before them that are no comments."""
    found = ""
    with httpx2.stream("GET", url, headers=headers) as events:
        parts = events.iter_text()
        while found.replace(":\n\n", "").count("\n\n") < count:
            found += next(parts)
    return [line for line in found.split("\n") if line and line != ":"]


def test_events_arrive_one_by_one_until_the_client_leaves(server):
    url = f"{server.url}/clock"
    assert read(url, 2) == ["event: tick", 'data: {"second":0}', "event: tick", 'data: {"second":1}']
    while "the client has left" not in server.log:
        pass


def test_a_client_that_comes_back_goes_on_behind_its_last_event(server):
    url = f"{server.url}/messages"
    assert read(url, 3) == ["id: 1", "data: first", "id: 2", "data: second", "id: 3", "data: third"]
    assert read(url, 1, **{"Last-Event-ID": "2"}) == ["id: 3", "data: third"]
    assert read(url, 3, **{"Last-Event-ID": "²".encode()})[0] == "id: 1"
    with httpx2.stream("GET", url, headers={"Last-Event-ID": "3"}) as events:
        parts = events.iter_text()
        assert next(parts) == ":\n\n"
        assert httpx2.post(url, content=b"fourth").json() == {"messages": 4}
        assert next(parts) == "id: 4\ndata: fourth\n\n"
