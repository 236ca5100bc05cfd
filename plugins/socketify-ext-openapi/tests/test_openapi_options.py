from __future__ import annotations

import pytest
from pydantic import ValidationError
from socketify_ext_openapi import Options


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"title": ""}, "title"),
        ({"version": ""}, "version"),
        ({"path": "openapi.json"}, "a plain path"),
        ({"path": "/a/"}, "a plain path"),
        ({"docs": "/do cs"}, "a plain path"),
        ({"docs": "/docs/:id"}, "a plain path"),
        ({"docs": '/"><script>'}, "a plain path"),
        ({"servers": ["javascript:alert(1)"]}, "a URL"),
        ({"servers": ["https://a.example; script-src *"]}, "a URL"),
        ({"servers": ["https://a.example 'unsafe-inline'"]}, "a URL"),
        ({"servers": ["https://user:pass@a.example"]}, "a URL"),
        ({"tags": [{"title": "x"}]}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_options_that_can_not_work_are_refused(options, why):
    with pytest.raises(ValidationError, match=why):
        Options(**options)


@pytest.mark.parametrize("server", ["https://a.example", "http://127.0.0.1:8000/v1", "http://[::1]:80/", "/v1", "/"])
def test_servers(server):
    assert Options(servers=[server]).servers == (server,)
