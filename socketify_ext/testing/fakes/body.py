"""Bodies of fake requests: the bytes, and the type that a client would send with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

_BOUNDARY: Final = "a-boundary-that-no-test-has-in-its-files"


def encode_body(body: Any, form: Mapping[str, Any] | None) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a body and the headers that describe it.

    Args:
        body: text or bytes, whose type is not known, or any other object as JSON.
        form: a form in place of it: texts, and tuples of a file's name, its bytes and maybe its type; lists of them.

    Raises:
        TypeError: there is a body beside the form.
    """
    headers: dict[str, str] = {}
    if form is not None:
        if body != b"":
            raise TypeError("a request has a body or a form")
        data, headers["content-type"] = _encode_form(form)
    elif isinstance(body, (bytes, str)):
        data = body if isinstance(body, bytes) else body.encode()
    else:
        data, headers["content-type"] = json.dumps(body).encode(), "application/json"
    if data:
        headers["content-length"] = str(len(data))
    return data, headers


def _encode_form(form: Mapping[str, Any]) -> tuple[bytes, str]:
    values = [(name, each) for name, value in form.items() for each in (value if isinstance(value, list) else [value])]
    if not any(isinstance(value, tuple) for _, value in values):
        return urlencode(values).encode(), "application/x-www-form-urlencoded"
    lines = b"".join(b"--%b\r\n%b\r\n" % (_BOUNDARY.encode(), b"\r\n".join(_part(*each))) for each in values)
    return lines + f"--{_BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={_BOUNDARY}"


def _part(name: str, value: Any) -> Iterator[bytes]:
    disposition = f'Content-Disposition: form-data; name="{_escaped(name)}"'
    if not isinstance(value, tuple):
        yield from (disposition.encode(), b"", str(value).encode())
        return
    filename, content, *kind = value
    yield f'{disposition}; filename="{_escaped(filename)}"'.encode()
    yield from (f"Content-Type: {each}".encode() for each in kind)
    yield from (b"", content if isinstance(content, bytes) else content.encode())


def _escaped(name: str) -> str:
    """Return a name as a browser writes it (WHATWG HTML, 4.10.22.7)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
