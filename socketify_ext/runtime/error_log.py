"""The log of errors, with the member and the hook that each has come through."""

from __future__ import annotations

import inspect
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Final

from ..sdk.printable import printable
from ..sdk.spec import ComputedSpec, MemberSpec, MethodSpec
from .hook_calls import hook_in

if TYPE_CHECKING:
    from ..sdk.request_hooks import RequestHook

log = logging.getLogger("socketify_ext")

_TEXT: Final = 2000  # characters of an error's text, which a client may have made
_CHAIN: Final = 10  # errors that caused each other, or that a group holds


class ErrorLog:
    """Log errors with the member that raised them, found by the code in the traceback."""

    def __init__(self, members: Iterable[MemberSpec] = ()) -> None:
        self._members: dict[CodeType, MemberSpec] = {
            inspect.unwrap(member.function).__code__: member
            for member in members
            if isinstance(member, (MethodSpec, ComputedSpec)) and inspect.isfunction(member.function)
        }

    def report(self, error: BaseException, who: str) -> None:
        """Log an error with its route and, where they are in its traceback, the member and the hook, with extensions."""
        member, hook = self._find(error.__traceback__)
        culprit = member or hook
        provenance = None if culprit is None else culprit.provenance
        place = "" if member is None else f" in {member.target}.{member.name} of extension {member.provenance}"
        place += "" if hook is None else f" in {hook}"
        if not log.isEnabledFor(logging.ERROR):
            return
        record = log.makeRecord(
            log.name,
            logging.ERROR,
            __file__,
            sys._getframe().f_lineno,
            "%s: %s: %s%s",
            (who or "a task", type(error).__name__, _text(error), place),
            (type(error), error, error.__traceback__),
            "report",
            {
                "route": who,
                "extension": None if provenance is None else provenance.extension,
                "hook": None if hook is None else hook.event,
                "member": None if member is None else f"{member.target}.{member.name}",
            },
        )
        # A formatter takes it as it is; its own would write all of the text, line breaks and escapes included.
        record.exc_text = "".join(_traceback(error)).rstrip("\n")
        log.handle(record)

    def _find(self, traceback: TracebackType | None) -> tuple[MemberSpec | None, RequestHook | None]:
        """Find the innermost member and hook."""
        member, hook = None, None
        while traceback is not None:
            member = self._members.get(traceback.tb_frame.f_code, member)
            hook = hook_in(traceback.tb_frame) or hook
            traceback = traceback.tb_next
        return member, hook


def _text(error: BaseException) -> str:
    try:
        return printable(str(error), _TEXT)
    except Exception as second:
        return f"<its text is not available: {type(second).__name__}>"


def _traceback(error: BaseException) -> Iterator[str]:
    """Write the traceback as Python does, with bounded texts on one line each."""
    chain: list[tuple[BaseException, str]] = []
    found: BaseException | None = error
    link = ""
    while found is not None and len(chain) < _CHAIN and all(found is not each for each, _ in chain):
        chain.append((found, link))
        if found.__cause__ is not None:
            found, link = found.__cause__, "The above exception was the direct cause of the following exception:"
        else:
            found = None if found.__suppress_context__ else found.__context__
            link = "During handling of the above exception, another exception occurred:"
    for each, link in reversed(chain):
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(each.__traceback__)
        yield f"{type(each).__module__}.{type(each).__qualname__}: {_text(each)}\n".removeprefix("builtins.")
        notes = getattr(each, "__notes__", ())
        yield from (f"{printable(str(note), _TEXT)}\n" for note in notes[:_CHAIN] if isinstance(notes, (list, tuple)))
        members = getattr(each, "exceptions", ())
        for member in members[:_CHAIN] if isinstance(members, (list, tuple)) else ():
            if isinstance(member, BaseException):
                yield "One of the group:\n"
                yield from traceback.format_tb(member.__traceback__)
                yield f"{type(member).__qualname__}: {_text(member)}\n"
        if link:
            yield f"\n{link}\n\n"
