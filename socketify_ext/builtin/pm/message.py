"""A private message and the frames that carry it."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from ...sdk.to_builtins import to_builtins

TEXT: Final = 1
"""The opcode of a text frame (RFC 6455, 5.2)."""


def as_json(value: Any) -> str:
    """Write a value as JSON that a text frame can carry.

    Lone surrogates, which UTF-8 has no bytes for, are escaped.

    Raises:
        TypeError, ValueError: it can't be written.
    """
    text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"))
    return text


def encode_body(message: Any) -> str | None:
    """Return a message as JSON, None where JSON has no number for what it holds, such as a client's NaN.

    Raises:
        TypeError: JSON has no form for it.
    """
    try:
        return as_json(message)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    """Write for JSON what `plain` leaves to a codec that has a type for it."""
    found = to_builtins(value)
    if isinstance(found, datetime.datetime):
        return found.isoformat()
    if isinstance(found, bytes):
        raise TypeError(f"JSON can't carry bytes: {found!r}")
    return found


def message_id(sender: str, to: str, key: str | None) -> str:
    """Make a message's id, 32 hexadecimal digits.

    With a key it is always the same for the same sender, receiver and key, and no other sender can make it.
    """
    if key is None:
        return uuid.uuid4().hex
    return hashlib.sha256(json.dumps([sender, to, key], ensure_ascii=False).encode(errors="surrogatepass")).hexdigest()[
        :32
    ]


@dataclass(frozen=True)
class Message:
    """One message; `body` is JSON, `at` the time it was taken, in ISO 8601."""

    id: str
    sender: str
    to: str
    body: str
    at: str

    @classmethod
    def make(cls, sender: str, to: str, body: str, key: str | None = None) -> Message:
        """Make a message with an id and a time."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        return cls(message_id(sender, to, key), sender, to, body, now.replace("+00:00", "Z"))

    @property
    def received(self) -> str:
        """Write the frame that the receiver gets."""
        return f"{self._open}}}"

    @property
    def sent(self) -> str:
        """Write the frame that the sender's other sockets get."""
        return f'{self._open},"to":{as_json(self.to)},"sent":true}}'

    @property
    def _open(self) -> str:
        return (
            f'{{"type":"pm","id":"{self.id}","username":{as_json(self.sender)},"message":{self.body},"at":"{self.at}"'
        )
