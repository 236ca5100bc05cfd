"""docs/bodies.md: its examples do what it says."""

import httpx2
import pytest
from doc_pages import python, written

from socketify_ext.testing import serve


def example():
    return written(block.text for block in python("docs/bodies.md"))


@pytest.fixture(scope="module")
def server():
    with serve(example) as server:
        yield server


def test_bodies_are_read_up_to_the_limits_of_their_routes(server):
    url = f"{server.url}/api"
    assert httpx2.post(f"{url}/orders", json={"name": "tea"}).json() == {"created": "tea"}
    assert httpx2.post(f"{url}/orders", json="x" * 1_000_001).status_code == 413
    assert httpx2.put(f"{url}/files/a", content=b"x" * 20_000_000, timeout=30).json() == {"size": 20_000_000}
    assert httpx2.put(f"{url}/files/a", content=b"x" * 50_000_001, timeout=30).status_code == 413


def test_answers_in_parts_arrive_and_end_with_their_clients(server):
    export = httpx2.get(f"{server.url}/export", timeout=30)
    assert export.headers["content-type"] == "text/csv"
    assert export.text.splitlines()[-1] == "999999,999998000001"
    assert httpx2.get(f"{server.url}/count").text.split() == list(map(str, range(1000)))
    with httpx2.stream("GET", f"{server.url}/clock") as clock:
        assert next(clock.iter_text()) == "tick\n"
    while "the client has left" not in server.log:
        pass
