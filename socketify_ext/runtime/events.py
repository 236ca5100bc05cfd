"""Server-Sent Events (WHATWG HTML, 9.2): an answer without end, of events that a browser's `EventSource` reads."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from .encoding import BYTES_LIKE, exact_bytes
from .headers import encode_name
from .response_head import has_header
from .streaming import Filler, stream

if TYPE_CHECKING:
    from .response import Response

CONTENT_TYPE: Final = b"text/event-stream"
KEEP_ALIVE: Final = 15.0
"""Seconds without an event after which a comment is sent, so that proxies keep the connection."""

_LONGEST: Final = 1e9  # seconds, which any timer takes
_COMMENT: Final = b":\n\n"
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_UNSAFE: Final = re.compile("[\r\n\0\ud800-\udfff]")
# What keeps caches and proxies from holding events back, where the handler has not said otherwise.
_DEFAULTS: Final = ((b"Cache-Control", b"no-store"), (b"X-Accel-Buffering", b"no"))


@dataclass(frozen=True)
class Event:
    """One event of `res.events`.

    Args:
        data: text or bytes of UTF-8, of any number of lines; any other object becomes JSON. None sends no data: such an
            event reaches no listener, but sets `id` or `retry`.
        id: what a client that comes back sends as `Last-Event-ID`; an empty one clears it.
        event: the name that listeners ask for, "message" by default.
        retry: milliseconds that the client waits before it comes back.

    Raises:
        EventError: the id or the name holds a line break or NUL, `retry` is negative, or there is nothing to send.
        TypeError: the id or the name is no text, or `retry` no int.
    """

    data: Any
    id: str | int | None = None
    event: str | None = None
    retry: int | None = None

    def __post_init__(self) -> None:
        identity, retry = self.id, self.retry
        if isinstance(identity, int) and not isinstance(identity, bool):
            object.__setattr__(self, "id", int.__repr__(identity))
        else:
            _check_text("id", identity, "text or an int")
        _check_text("name", self.event, "text")
        if retry is not None:
            if not isinstance(retry, int) or isinstance(retry, bool):
                raise TypeError(f"the retry of an event is an int of milliseconds, not a {type(retry).__name__}")
            object.__setattr__(self, "retry", int.__int__(retry))
            if self.retry < 0:  # type: ignore[operator]
                raise _refusal(f"retry {self.retry}", "it is negative", "Give milliseconds")
        if self.data is not None:
            return
        if self.event is not None:
            raise _refusal(f"name {self.event!r}", "clients drop an event without data", 'Write data=""')
        if self.id is None and retry is None:
            raise _refusal("data None", "there is nothing to send", "Give data, an id or a retry")


def encode_event(item: Any, dump_json: Callable[[Any], bytes]) -> bytes:
    """Encode an event, or data alone, as the lines of a stream.

    Raises:
        EventError: there is nothing to send.
        UnicodeDecodeError: the data is bytes that are no UTF-8.
        TypeError, ValueError: the data can't be serialised.
    """
    event = item if isinstance(item, Event) else Event(item)
    lines = []
    if event.id is not None:
        lines.append(b"id: " + str.encode(event.id))  # type: ignore[arg-type]  # it is text since it was checked
    if event.event is not None:
        lines.append(b"event: " + str.encode(event.event))
    if event.retry is not None:
        lines.append(b"retry: %d" % event.retry)
    if event.data is not None:
        lines += [b"data: " + line for line in _LINE_END.split(_encode_data(event.data, dump_json))]
    return b"\n".join((*lines, b"", b""))


def _encode_data(data: Any, dump_json: Callable[[Any], bytes]) -> bytes:
    encoded = exact_bytes(data)
    if encoded is None:
        return dump_json(data)
    if isinstance(data, BYTES_LIKE):
        encoded.decode()  # a client would read other bytes as replacement characters
    return encoded


async def send_events(response: Response, events: Iterable[Any] | AsyncIterable[Any], keep_alive: float | None) -> None:
    """Answer with events until they end or the client leaves.

    Raises:
        TypeError: `events` is no iterable of events, or `keep_alive` is no number.
        ValueError: `keep_alive` is not above 0.
    """
    seconds = None if keep_alive is None else _seconds(keep_alive)
    if isinstance(events, Event):
        raise TypeError("events takes an iterable of events, not one Event")
    dump_json = response._server.dump_json

    def encode(item: Any) -> bytes:
        return encode_event(item, dump_json)

    response._native("events")
    if not (response._answered or response._head_sent):
        for name, value in _DEFAULTS:
            if not has_header(response._head, encode_name(name)):
                response.set_header(name, value)
    if response._producer is None:
        response._is_endless = True
    await stream(response, events, CONTENT_TYPE, what="events", encode=encode, filler=Filler(_COMMENT, seconds))


def _seconds(keep_alive: Any) -> float:
    """Return a number of seconds between comments.

    Raises:
        TypeError: it is no number.
        ValueError: it is not above 0, or not finite.
    """
    if isinstance(keep_alive, bool) or not isinstance(keep_alive, (int, float)):
        raise TypeError(f"keep_alive is a number of seconds or None, not a {type(keep_alive).__name__}")
    if not 0 < keep_alive < _LONGEST:
        raise ValueError(f"keep_alive is {keep_alive}: give seconds above 0, or None for no comments")
    return float(keep_alive)


def _check_text(what: str, value: Any, wanted: str) -> None:
    """Refuse what is no text, or would begin another line of the stream.

    Raises:
        TypeError: it is no text.
        EventError: it holds a line break, NUL or a lone surrogate.
    """
    if value is None:
        return
    if not isinstance(value, str):
        raise TypeError(f"the {what} of an event is {wanted}, not a {type(value).__name__}")
    if _UNSAFE.search(value):
        why, fix = "it holds a line break, NUL or a lone surrogate", "Encode or reject it before it reaches an event"
        raise _refusal(f"{what} {value!r}", why, fix)


def _refusal(what: str, why: str, fix: str) -> errors.EventError:
    return errors.EventError(f"an event's {what}", "was refused", why, fix)
