"""Cookies: those of a request are read in one pass, those of an answer written so that they come back unchanged.

The rules are those of RFC 6265bis, 4.1 and 5.6: any token is a name, and of several cookies of one name the first, the
more specific one, counts.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote, unquote

from .. import errors

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# What a value may hold as it is (RFC 6265bis, 4.1.1), without the sign that escapes begin with.
_SAFE: Final = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_ATTRIBUTES: Final = {
    name.lower().replace("-", ""): name
    for name in ("Domain", "Expires", "HttpOnly", "Max-Age", "Partitioned", "Path", "SameSite", "Secure")
}
_FLAGS: Final = frozenset(("HttpOnly", "Partitioned", "Secure"))
_SEPARATOR: Final = re.compile(r"[;\x00-\x1f\x7f]")


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
            if equals and _TOKEN.fullmatch(name):
                yield name, _decode(value.strip())


def _decode(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = "\\".join(part.replace("\\", "") for part in value[1:-1].split("\\\\"))
    return unquote(value)


def write_cookie(name: str, value: str, options: Mapping[str, Any] | None) -> str:
    """Return one cookie as the value of a `Set-Cookie` header.

    Args:
        name: a token.
        value: any text; what a cookie can't hold is percent-encoded.
        options: attributes by name, in any case, with "-", "_" or neither between words, as in
            `{"path": "/", "max_age": 60, "httponly": True}`; a date may be a `datetime`.

    Raises:
        HeaderError: a cookie can't have this name or attribute.
        TypeError: the name or the value is not text.
    """
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"a cookie's name and value are texts, not {type(name).__name__} and {type(value).__name__}")
    if not _TOKEN.fullmatch(name):
        raise _refusal(name, "its name is not a token")
    attributes = dict(_attribute(name, key, option) for key, option in (options or {}).items())
    return "; ".join([f"{name}={quote(value, safe=_SAFE)}", *filter(None, attributes.values())])


def _attribute(cookie: str, key: Any, option: Any) -> tuple[str, str]:
    name = _ATTRIBUTES.get(str(key).lower().replace("-", "").replace("_", ""))
    if name is None:
        raise _refusal(cookie, f"{key!r} is not an attribute; there are {', '.join(_ATTRIBUTES.values())}")
    if name in _FLAGS:
        return name, name if option else ""
    if option is None or option == "":
        return name, ""
    text = _date(option) if isinstance(option, datetime.datetime) else str(option)
    if _SEPARATOR.search(text):
        raise _refusal(cookie, f"its {name} {text!r} holds a separator or control character")
    return name, f"{name}={text}"


def _date(moment: datetime.datetime) -> str:
    utc = datetime.timezone.utc
    moment = moment.replace(tzinfo=utc) if moment.tzinfo is None else moment.astimezone(utc)
    return format_datetime(moment, usegmt=True)


def _refusal(cookie: str, why: str) -> errors.HeaderError:
    return errors.HeaderError(
        f"cookie {cookie!r}", "was refused", why, "Give a token, and the attributes of RFC 6265bis"
    )
