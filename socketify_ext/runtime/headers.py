"""Validation of what goes into a response's head: field names, values, status lines and cookies (RFC 9110, 6265)."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from http.cookies import CookieError, Morsel
from typing import Any, Final
from urllib.parse import quote_plus

from .. import errors
from .core import status_codes

# RFC 9110 5.6.2 and 5.5: a name is a token; a value holds no control character but the tab.
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# Status lines by code, the core's own.
STATUSES: Final[dict[Any, bytes]] = status_codes
OK: Final = b"200 OK"
# The statuses whose answers have no body (RFC 9110, 15.3.5 and 15.4.5).
BODILESS: Final = (b"204", b"304")
# Status lines by code, of answers that may have a body.
BODY_STATUSES: Final = {code: line for code, line in STATUSES.items() if not line.startswith(BODILESS)}
_STATUS: Final = re.compile(rb"[1-9][0-9]{2}(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")

# What a line of each name begins with, for names seen and found valid; bounded, since a name may come from a client.
NAMES: Final[dict[str | bytes, bytes]] = {}
_NAMES_LIMIT: Final = 1024

# What stands for a line's beginning where the handler writes Content-Length, which is the core's to write.
CONTENT_LENGTH: Final = b""


def encode_name(name: Any) -> bytes:
    """Encode a field name as the beginning of its line, or raise HeaderError if it is no token or the core's alone.

    Returns:
        The line break before the line, the name, a colon and a space; CONTENT_LENGTH for that name.
    """
    known = NAMES.get(name)
    if known is not None:
        return known
    key = name if isinstance(name, bytes) else str(name).encode()
    if not _TOKEN.fullmatch(key):
        raise _refusal(f"header name {name!r}", "it is no token")
    if key.lower() == b"transfer-encoding":
        raise _refusal(f"header {name!r}", "the core frames the body itself")
    if key.lower() == b"content-length":
        return CONTENT_LENGTH
    beginning = b"\r\n%b: " % key
    if len(NAMES) < _NAMES_LIMIT:
        NAMES[name] = beginning
    return beginning


def encode_value(value: Any) -> bytes:
    """Encode a field value: text as UTF-8, numbers in digits, other objects as JSON, as in the core."""
    if isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = value.encode()
    elif isinstance(value, (int, float)):
        data = str(value).encode()
    else:
        data = json.dumps(value).encode()
    if _CONTROL.search(data):
        raise _refusal(f"header value {value!r}", "it holds a control character")
    return data


def encode_status(status: Any) -> bytes:
    """Encode a status: a code that the core knows, or a line such as "404 Not Found"."""
    known = STATUSES.get(status)
    if known is not None:
        return known
    data = status if isinstance(status, bytes) else str(status).encode()
    if isinstance(status, int) or not _STATUS.fullmatch(data):
        raise _refusal(f"status {status!r}", "it is no known code, and no code with a reason")
    return data


def cookie(name: str, value: str, options: Mapping[str, Any] | None) -> str:
    """Write one cookie as the value of a `Set-Cookie` header (RFC 6265, 4.1); the value is quoted as in the core."""
    morsel: Morsel[str] = Morsel()
    quoted = quote_plus(value)
    try:
        morsel.set(name, quoted, quoted)
        for key, option in (options or {}).items():
            morsel[key] = _cookie_date(option) if isinstance(option, datetime.datetime) else option
    except CookieError as error:
        raise _refusal(f"cookie {name!r}", str(error)) from None
    for option in morsel.values():
        if isinstance(option, str) and (";" in option or _CONTROL.search(option.encode())):
            raise _refusal(f"cookie {name!r}", f"its attribute {option!r} holds a separator or control character")
    return morsel.OutputString()


def _cookie_date(moment: datetime.datetime) -> str:
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.timezone.utc)
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def _refusal(who: str, why: str) -> errors.HeaderError:
    return errors.HeaderError(who, "was refused", why, "Encode or reject it before it reaches a header")
