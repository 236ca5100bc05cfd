"""Cookies of an answer: one `Set-Cookie` line each, with attributes that browsers take (RFC 6265bis, 4.1 and 5.6)."""

from __future__ import annotations

import datetime
import operator
import re
import time
from collections.abc import Callable, Mapping
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from typing import Any, Final, Literal, NamedTuple, NoReturn
from urllib.parse import quote

from .. import errors
from ..sdk.suggest import suggestion
from .cookies import TOKEN

LIMIT: Final = 4096
"""Bytes of a cookie's name and value that browsers keep."""

SameSite = Literal["Strict", "Lax", "None", "strict", "lax", "none"]

# What a value may hold as it is, without the sign that escapes begin with.
_SAFE: Final = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_SEPARATOR: Final = re.compile(r"[;\x00-\x1f\x7f-\U0010ffff]")
_HOST: Final = re.compile(r"[0-9A-Za-z._-]+")
_SAME_SITES: Final = {"strict": "Strict", "lax": "Lax", "none": "None"}
_NUMBER: Final = re.compile(r"-?[0-9]+")


class WrittenCookie(NamedTuple):
    """A cookie as the value of its header, what tells it from others, and whether it is for HTTPS only."""

    identity: tuple[str, str, str]
    line: str
    is_secure: bool


def write_cookie(
    name: str, value: str, options: Mapping[str, Any] | None = None, /, **attributes: Any
) -> WrittenCookie:
    """Write a cookie.

    Args:
        name: a token.
        value: any text; what a cookie can't hold is percent-encoded.
        options: attributes as the core takes them, by names in any case, with "-", "_" or neither between words, as in
            `{"max-age": 60, "httponly": True}`; they override those of `attributes`.
        attributes: by name, as in `max_age=60`; None, False and "" leave one out.

    Raises:
        HeaderError: a cookie can't have this name or attribute, or no browser would keep it.
        TypeError: the name or the value is not text.
    """
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"a cookie's name and value are texts, not {type(name).__name__} and {type(value).__name__}")
    name = str.__str__(name)  # of a subclass, the text that was checked is the one that is written
    if not TOKEN.fullmatch(name):
        _refuse(name, "its name is not a token", 'Take letters, digits, "-" and "_"')
    text = quote(str.__str__(value), safe=_SAFE)
    if len(name) + len(text) > LIMIT:
        why = f"its name and value have {len(name) + len(text)} bytes, and browsers drop it beyond {LIMIT}"
        _refuse(name, why, "Keep the value in a store, and its key in the cookie")
    for key, option in (options or {}).items():
        attributes[_attribute(name, key)] = option
    parts = {}
    line = f"{name}={text}"
    for key, (label, convert) in _ATTRIBUTES.items():
        option = attributes.pop(key, None)
        if option is not None and option is not False and option != "":
            parts[label] = part = convert(name, label, option)
            line += f"; {label}={part}" if part else f"; {label}"
    if attributes:
        raise TypeError(f"set_cookie has no argument {min(attributes)!r}; there are {', '.join(_ATTRIBUTES)}")
    if "Secure" not in parts:
        _check_plain(name, parts)
    elif name.lower().startswith("__host-"):
        _check_host(name, parts)
    return WrittenCookie((name, parts.get("Path", ""), parts.get("Domain", "").lower()), line, "Secure" in parts)


def needs_secure(name: str) -> bool:
    """Check whether browsers keep a cookie of this name only if it is Secure."""
    return isinstance(name, str) and name.lower().startswith(("__host-", "__secure-"))


def _check_plain(name: str, parts: Mapping[str, str]) -> None:
    """Refuse a cookie that browsers keep only if it is Secure."""
    if needs_secure(name):
        _refuse(name, "browsers drop a cookie of this name that is not Secure", "Give secure=True, or another name")
    if parts.get("SameSite") == "None":
        _refuse(name, "browsers drop SameSite=None without Secure", 'Give secure=True, or same_site="Lax"')
    if "Partitioned" in parts:
        _refuse(name, "browsers drop Partitioned without Secure", "Give secure=True")


def _check_host(name: str, parts: Mapping[str, str]) -> None:
    """Refuse a cookie whose name promises what its attributes don't keep (RFC 6265bis, 4.1.3)."""
    if parts.get("Path") != "/":
        _refuse(name, "browsers drop a cookie of this name without the path /", 'Give path="/", or another name')
    if "Domain" in parts:
        _refuse(name, "browsers drop a cookie of this name that has a domain", "Leave domain out")


def _attribute(name: str, key: Any) -> str:
    """Return an attribute's name as a keyword."""
    known = _ATTRIBUTE_NAMES.get(str(key).lower().replace("-", "").replace("_", ""))
    if known is None:
        fix = suggestion(str(key), _ATTRIBUTES) or f"There are {', '.join(_ATTRIBUTES)}"
        _refuse(name, f"{key!r} is not an attribute", fix)
    return known


def _flag(name: str, label: str, option: Any) -> str:
    if option is not True and option != 1:
        _refuse(name, f"its {label} is {option!r}", "Give True or False")
    return ""


def _path(name: str, label: str, option: Any) -> str:
    path = _text(name, label, option)
    if not path.startswith("/"):
        _refuse(name, f"its {label} {path!r} does not begin with a slash, and browsers ignore it", f'Write "/{path}"')
    return path


def _domain(name: str, label: str, option: Any) -> str:
    domain = _text(name, label, option)
    if not _HOST.fullmatch(domain):
        why = f"its {label} {domain!r} is not the name of a host"
        _refuse(name, why, 'Write it without scheme, port and path, as in "example.com"')
    return domain


def _same_site(name: str, label: str, option: Any) -> str:
    written = _SAME_SITES.get(str(option).lower())
    if written is None:
        _refuse(name, f"its {label} is {option!r}", 'Give "Strict", "Lax" or "None"')
    return written


def _max_age(name: str, label: str, option: Any) -> str:
    if isinstance(option, datetime.timedelta):
        return str(int(option.total_seconds()))
    if isinstance(option, str) and _NUMBER.fullmatch(option):
        return option
    if isinstance(option, (bool, str)) or not hasattr(option, "__index__"):
        _refuse(name, f"its {label} is {option!r}, and browsers ignore it", "Give whole seconds, or a timedelta")
    return str(operator.index(option))


def _expires(name: str, label: str, option: Any) -> str:
    utc = datetime.timezone.utc
    if isinstance(option, datetime.datetime):
        moment = option.replace(tzinfo=utc) if option.tzinfo is None else option.astimezone(utc)
        return format_datetime(moment, usegmt=True)
    if isinstance(option, int) and not isinstance(option, bool):  # seconds from now, as http.cookies takes it
        return formatdate(time.time() + option, usegmt=True)
    date = _text(name, label, option)
    try:
        parsedate_to_datetime(date)
    except ValueError:
        _refuse(name, f"its {label} {date!r} is not a date of HTTP, and browsers ignore it", "Give a datetime")
    return date


def _text(name: str, label: str, option: Any) -> str:
    """Return an attribute as text that does not end it."""
    text = str.__str__(str(option))
    if _SEPARATOR.search(text):
        _refuse(name, f"its {label} {text!r} holds a separator, a control character or one beyond ASCII", "Encode it")
    return text


def _refuse(name: str, why: str, fix: str) -> NoReturn:
    raise errors.HeaderError(f"cookie {name!r}", "was refused", why, fix)


# How attributes are written, in this order, and what turns an option into their text; that of a flag is empty.
_ATTRIBUTES: Final[Mapping[str, tuple[str, Callable[[str, str, Any], str]]]] = {
    "max_age": ("Max-Age", _max_age),
    "expires": ("Expires", _expires),
    "path": ("Path", _path),
    "domain": ("Domain", _domain),
    "secure": ("Secure", _flag),
    "http_only": ("HttpOnly", _flag),
    "same_site": ("SameSite", _same_site),
    "partitioned": ("Partitioned", _flag),
}
_ATTRIBUTE_NAMES: Final = {name.replace("_", ""): name for name in _ATTRIBUTES}
