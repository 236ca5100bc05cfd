"""Validation of what goes into a response's head: field names, values and status lines (RFC 9110)."""

from __future__ import annotations

import re
from typing import Any, Final

from .. import errors
from ..builtin.json.plain import encode_plainly
from .core import status_codes
from .encoding import exact_bytes

# RFC 9110 5.6.2 and 5.5: a name is a token; a value holds no control character but the tab.
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# Status lines by code, the core's own.
STATUSES: Final[dict[Any, bytes]] = status_codes
OK: Final = b"200 OK"
# The statuses whose answers have no body (RFC 9110, 15.3.5 and 15.4.5).
BODILESS: Final = (b"204", b"304")
_INTERIM: Final = b"1"  # the first digit of interim statuses (RFC 9110, 15.2)
# Status lines by code, of answers that may have a body.
BODY_STATUSES: Final = {code: line for code, line in STATUSES.items() if not line.startswith((*BODILESS, _INTERIM))}
_STATUS: Final = re.compile(rb"[2-9][0-9]{2}(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")

# What a line of each name begins with, for names seen and found valid; bounded, since a name may come from a client.
NAMES: Final[dict[str | bytes, bytes]] = {}
_NAMES_LIMIT: Final = 1024

# What stands for a line's beginning where the handler writes Content-Length, which is the core's to write.
CONTENT_LENGTH: Final = b""


def encode_name(name: Any) -> bytes:
    """Encode a field name as the beginning of its line, or raise HeaderError if it is not a token or is the core's alone.

    Returns:
        The line break before the line, the name, a colon and a space; CONTENT_LENGTH for that name.
    """
    known = NAMES.get(name)
    if known is not None:
        return known
    key = exact_bytes(name)
    if key is None or not _TOKEN.fullmatch(key):
        raise _refusal(f"header name {name!r}", "it is not a token")
    if key.lower() == b"transfer-encoding":
        raise _refusal(f"header {name!r}", "the core frames the body itself")
    if key.lower() == b"content-length":
        return CONTENT_LENGTH
    beginning = b"\r\n%b: " % key
    if len(NAMES) < _NAMES_LIMIT:
        NAMES[name if type(name) is str else key] = beginning
    return beginning


def encode_value(value: Any) -> bytes:
    """Encode a field value: text as UTF-8, numbers in digits, other objects as JSON, as in the core."""
    data = exact_bytes(value)
    if data is None:
        is_number = isinstance(value, (int, float))
        data = str.encode(str(value)) if is_number else encode_plainly(value, ascii_only=True)
    if _CONTROL.search(data):
        raise _refusal(f"header value {value!r}", "it holds a control character")
    return data


def encode_status(status: Any) -> bytes:
    """Encode the status of an answer: a code that the core knows, or a line such as "404 Not Found"."""
    data = STATUSES.get(status) or exact_bytes(status)
    if data is None or not _STATUS.fullmatch(data):
        interim = data is not None and data.startswith(_INTERIM)
        why = "it is an interim status" if interim else "it is neither a known code nor a code with a reason"
        raise _refusal(f"status {status!r}", why)
    return data


def _refusal(who: str, why: str) -> errors.HeaderError:
    return errors.HeaderError(who, "was refused", why, "Encode or reject it before it reaches a header")
