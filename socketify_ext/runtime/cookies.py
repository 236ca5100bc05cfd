"""Cookies of a request, read in one pass; `set_cookie` writes those of an answer so that they come back unchanged.

The rules are those of RFC 6265bis, 4.1 and 5.6: any token is a name, and of several cookies of one name the first, the
more specific one, counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def read_cookies(lines: Iterable[str]) -> dict[str, str]:
    """Return the cookies of a request's `Cookie` lines by name."""
    found: dict[str, str] = {}
    for name, value in cookie_pairs(lines):
        found.setdefault(name, value)
    return found


def cookie_pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return the names and values of all cookies; malformed ones are left out, and hide no other."""
    for line in lines:
        for pair in line.split(";"):
            name, equals, value = pair.partition("=")
            name = name.strip()
            if equals and TOKEN.fullmatch(name):
                yield name, _decode(value.strip())


def _decode(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = "\\".join(part.replace("\\", "") for part in value[1:-1].split("\\\\"))
    return unquote(value)
