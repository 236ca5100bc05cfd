"""docs/scopes.md and docs/route-options.md: their requests get the answers that the pages show."""

import httpx2
import pytest
from doc_pages import blocks, exchanges, python, written

from socketify_ext.testing import serve


def served(page):
    """Make the app of a page, up to where it listens."""
    return written([block.text.partition("\napp.listen")[0] for block in python(page)])


@pytest.mark.parametrize("page", ["docs/scopes.md", "docs/route-options.md"])
def test_requests_get_the_answers_of_the_page(page):
    shown = [each for block in blocks(page) if block.language == "console" for each in exchanges(block)]
    assert len(shown) >= 4
    with serve(served, page=page) as server:
        for each in shown:
            url = server.url + each.path.removeprefix("http://localhost:3000")
            answer = httpx2.request(each.method, url, headers=each.headers, content=each.content)
            assert answer.text == each.answer
