"""The thread that serves: the core's memory belongs to it, and calls of other threads are handed over or refused."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Final

from .. import errors

__all__ = ["ANY_THREAD", "AnyThread", "check_thread", "get_ident", "wrong_thread"]


class AnyThread:
    """The thread of an object without the core's memory: equal to every thread."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__


ANY_THREAD: Final[Any] = AnyThread()


def wrong_thread(who: str, what: str) -> errors.ThreadError:
    """Return the error of a call that only the server's thread may make."""
    return errors.ThreadError(
        who,
        f"was asked for {what} from another thread",
        "its memory belongs to the server's thread, which goes on meanwhile",
        "Call it in the handler, or hand it over: loop.call_soon_threadsafe(...)",
    )


def check_thread(thread: Any, who: str, what: str) -> None:
    """Refuse a call from another thread than the server's.

    Raises:
        ThreadError: it is another one.
    """
    if get_ident() != thread:
        raise wrong_thread(who, what)
