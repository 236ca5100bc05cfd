"""The observation of one call of a part, in the server's process."""

from __future__ import annotations

import contextvars
import traceback
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter  # by name: a target may replace that of the module
from typing import Any, Final, Protocol

from .. import errors
from ..errors import HTTPError
from ..inspection.frames import location_of_error, location_of_frames
from ..sdk.printable import printable

_RUNTIME: Final = str(Path(__file__).parent.parent / "runtime")
_ENCODER: Final = str(Path(__file__).parent.parent / "builtin" / "json" / "encoder.py")
_LIMIT: Final = 20_000  # characters of a value that are searched
_TEXT: Final = 500  # characters of an error

current: contextvars.ContextVar[Observation | None] = contextvars.ContextVar("observation", default=None)


@dataclass
class Observation:
    """One call: its outcome, the longest time that it held the loop, and what went wrong beside it.

    `outcome` is "ok", "refused" (with an error that is an answer to a client, about a closed socket, or about a route that an
    option is not for), "impossible" (with one of the core's limits), "raised", "cancelled", or "ended" with what ends the
    process. `taken` are all its seconds.
    """

    outcome: str = "ok"
    error: str = ""
    place: str = ""
    answer_failed: bool = False
    value: str = ""
    left: str = ""
    longest: float = 0.0
    taken: float = 0.0
    late: list[tuple[str, str]] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def take(self, seconds: float) -> None:
        """Record how long one step held the loop."""
        self.longest = max(self.longest, seconds)

    def fail(self, error: BaseException) -> None:
        """Record what the call raised."""
        self.outcome = _outcome(error)
        self.error = f"{type(error).__name__}: {_text(error)}"
        self.place = location_of_error(error)
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        last = [frame.f_code for frame in frames if frame.f_code.co_filename.startswith((_RUNTIME, _ENCODER))]
        # The compiled hot path calls the encoder itself.
        writes = any(code.co_name in ("_body", "dump", "encode", "encode_message") for code in last)
        self.answer_failed = writes and not isinstance(error, errors.ExtensionError)

    @property
    def went_wrong(self) -> bool:
        """Whether it raised what is no answer."""
        return self.outcome in ("raised", "ended")

    def look_at(self, value: Any, tag: str) -> None:
        """Record what a member returned, and leave a mark in it, which no other request may find."""
        self.value = shown(value)
        mark(value, tag)


def _outcome(error: BaseException) -> str:
    if isinstance(error, (HTTPError, errors.ConnectionClosedError, errors.RouteOptionError)):
        return "refused"
    if isinstance(error, errors.BodyError):
        return "impossible"
    return "ended" if isinstance(error, (SystemExit, KeyboardInterrupt)) else "raised"


def _text(error: BaseException) -> str:
    try:
        return printable(str(error), _TEXT)
    except BaseException as second:  # its text is code, too
        return f"<{type(second).__name__}>"


def shown(value: Any) -> str:
    """Return the text of a value, cut to the length that is searched."""
    try:
        return repr(value)[:_LIMIT]
    except BaseException as error:  # a repr is code, and may raise anything
        return f"<{type(error).__name__}>"


def mark(value: Any, tag: str) -> None:
    """Leave a tag in a container."""
    try:
        if isinstance(value, list):
            value.append(tag)
        elif isinstance(value, dict):
            value[f"mark-{tag}"] = tag
        elif isinstance(value, set):
            value.add(tag)
        elif isinstance(value, bytearray):
            value.extend(tag.encode())
    except Exception:  # a container of another kind may refuse
        return


class Timekeeper(Protocol):
    """Records seconds."""

    def take(self, seconds: float) -> None:
        """Record how long one step held the loop."""


class Steps:
    """Await something, and record how long each of its steps holds the loop."""

    def __init__(self, awaited: Awaitable[Any], observation: Timekeeper) -> None:
        self._awaited = awaited
        self._observation = observation

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaited.__await__()
        send: Callable[[Any], Any] = getattr(inner, "send", lambda _: next(inner))
        act, given = send, None
        while True:
            start = perf_counter()
            try:
                waits_for = act(given)
            except StopIteration as end:
                return end.value
            finally:
                self._observation.take(perf_counter() - start)
            try:
                given = yield waits_for
                act = send
            except GeneratorExit:
                raise
            except BaseException as error:  # a cancellation, most often: it is the inner one's to handle
                given, act = error, getattr(inner, "throw", send)


def note_late_reads() -> None:
    """Record each later late read of a request in the observation of what reads."""
    make = errors.RequestGoneError.__init__

    def note(self: Any, *arguments: Any, **parts: Any) -> None:
        make(self, *arguments, **parts)
        observation = current.get()
        if observation is not None:
            observation.late.append((str(self.why), location_of_frames(traceback.extract_stack())))

    setattr(errors.RequestGoneError, "__init__", note)  # noqa: B010 - this process does nothing else
