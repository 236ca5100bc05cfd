"""Forms as `application/x-www-form-urlencoded` (WHATWG URL, 5.1)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from ..errors import HTTPError


def read_urlencoded(data: bytes | str, max_fields: int | None = None, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Return names and values in order; what is not in the encoding is replaced.

    Raises:
        HTTPError: 413, there are more than `max_fields`.
    """
    if max_fields is not None and data.count(b"&" if isinstance(data, bytes) else "&") >= max_fields:  # type: ignore[arg-type]
        raise too_many_fields(max_fields)
    text = data.decode(encoding, "replace") if isinstance(data, bytes) else data
    return parse_qsl(text, keep_blank_values=True, encoding=encoding, errors="replace")


def too_many_fields(most: int) -> HTTPError:
    """Make the error of a form with more than `most` fields."""
    return HTTPError(413, f"the form has more than {most} fields")
