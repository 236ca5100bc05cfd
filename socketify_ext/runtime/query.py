"""The query of a request: keys and values as a form of a browser writes them (WHATWG URL, 5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus


def query_pairs(url: str) -> Iterator[tuple[str, str]]:
    """Yield keys and values in order; a key without "=" has the empty value, and bytes that are not UTF-8 are replaced."""
    query = url.partition("?")[2]
    is_plain = "%" not in query and "+" not in query
    for part in query.split("&"):
        if part:
            key, _, value = part.partition("=")
            yield (key, value) if is_plain else (unquote_plus(key), unquote_plus(value))


def query_value(url: str, key: Any) -> str | None:
    """Return the first value of a key, None without one; no other value is decoded.

    Raises:
        TypeError: the key is neither text nor bytes.
    """
    name = key if type(key) is str else checked_key(key)
    query = url.partition("?")[2]
    is_plain = "%" not in query and "+" not in query
    for part in query.split("&"):
        found, _, value = part.partition("=")
        if not is_plain and ("%" in found or "+" in found):
            found = unquote_plus(found)
        if found == name and part:
            return value if is_plain else unquote_plus(value)
    return None


def query_values(url: str) -> dict[str, list[str]]:
    """Return all keys with their values in order."""
    found: dict[str, list[str]] = {}
    for key, value in query_pairs(url):
        found.setdefault(key, []).append(value)
    return found


def checked_key(key: Any) -> str:
    """Return the key that is asked for as text.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode(errors="replace")
    raise TypeError(f"a query's key is text, not a {type(key).__name__}")
