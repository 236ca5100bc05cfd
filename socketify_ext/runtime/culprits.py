"""Who is to blame for an error: the member and the hook that it has come through, for the log."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable
from types import CodeType, TracebackType
from typing import TYPE_CHECKING

from ..spec import MemberSpec, MethodSpec
from .hooks import hook_in

if TYPE_CHECKING:
    from ..request_hooks import RequestHook

log = logging.getLogger("socketify_ext")


class Culprits:
    """The members of an app, found by the code that runs in a traceback."""

    def __init__(self, members: Iterable[MemberSpec] = ()) -> None:
        self._members: dict[CodeType, MemberSpec] = {
            inspect.unwrap(member.function).__code__: member
            for member in members
            if isinstance(member, MethodSpec) and inspect.isfunction(member.function)
        }

    def report(self, error: BaseException, who: str) -> None:
        """Log an error with its route and, where they are in its traceback, the member and the hook, with extensions."""
        member, hook = self._find(error.__traceback__)
        culprit = member or hook
        provenance = None if culprit is None else culprit.provenance
        place = "" if member is None else f" in {member.target}.{member.name} of extension {member.provenance}"
        place += "" if hook is None else f" in {hook}"
        log.error(
            "%s: %s: %s%s",
            who or "a task",
            type(error).__name__,
            error,
            place,
            exc_info=error,
            extra={
                "route": who,
                "extension": None if provenance is None else provenance.extension,
                "hook": None if hook is None else hook.event,
                "member": None if member is None else f"{member.target}.{member.name}",
            },
        )

    def _find(self, traceback: TracebackType | None) -> tuple[MemberSpec | None, RequestHook | None]:
        """Find the innermost member and hook."""
        member, hook = None, None
        while traceback is not None:
            member = self._members.get(traceback.tb_frame.f_code, member)
            hook = hook_in(traceback.tb_frame) or hook
            traceback = traceback.tb_next
        return member, hook
