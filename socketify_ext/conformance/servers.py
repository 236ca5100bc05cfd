"""The server processes of a check: one for each setting, started again where a part hangs it or ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .. import errors
from ..inspection.process import GoneError, HungError
from .places import SCOPE, SETTINGS
from .report import Finding
from .session import Answer, Seen, Session
from .tallies import Tallies
from .tally import MemberTally, Tally

_MOST: Final = 3  # servers of one setting that end unexplained

Act = Callable[[Session], tuple[Answer, Seen]]


class Servers:
    """Run the servers, until `close`.

    Args:
        request: what each process gets.
        timeout: seconds that the target gets to start.
        headers: that each probe sends.
        tallies: get what is seen.
    """

    def __init__(
        self, request: Mapping[str, Any], timeout: float, headers: Mapping[str, str], tallies: Tallies
    ) -> None:
        self._request = request
        self._timeout = timeout
        self._headers = headers
        self._tallies = tallies
        self._sessions: dict[str, Session] = {}
        self._down: set[str] = set()  # settings whose server has ended and does not start again
        self._unexplained = Counter[str]()  # ends for which no part is to blame
        self._reads: dict[str, list[str]] = {}

    def begin(self, setting: str, *, serves: bool = True) -> Session:
        """Start a process of a setting: one that serves, or one that describes the target."""
        scope = SCOPE if setting == "scope" else ""
        request = {**self._request, "pools": SETTINGS.get(setting), "scope": scope, "serves": serves}
        return Session(request, self._timeout, self._headers)

    def start(self, settings: Sequence[str]) -> None:
        """Start the servers of several settings, at the same time."""
        for setting in settings:
            self._sessions[setting] = self.begin(setting)

    def close(self) -> None:
        """End all processes."""
        for session in self._sessions.values():
            session.close()

    def listen(self, setting: str) -> bool:
        """Wait until a server listens; return whether it does, and report why not."""
        session, report = self._sessions[setting], self._tallies.report
        try:
            session.listening()
        except errors.InstallError:
            report.skipped[setting] = "it needs socketify_ext.install(app)"
        except errors.ScopeError:
            report.skipped[setting] = "it concerns the whole app"
        except errors.ExtensionError as error:
            self._tallies.add(Finding("register", str(error), setting))
        except (HungError, GoneError) as error:
            self._tallies.add(Finding("register", str(silent(session, error)), setting))
        if not session.port:
            self._down.add(setting)
            return False
        session.reads = self._reads
        if setting not in report.settings:
            report.settings.append(setting)
        if not self._tallies.parts:
            self._tallies.parts = [Tally.of(part) for part in session.parts]
        return True

    def prefixes(self, setting: str) -> list[str]:
        """Return the prefixes below which a server has routes for hooks, none where it has no such routes."""
        return self._sessions[setting].prefixes

    def obstacle(self, setting: str, path: str, *, is_socket: bool) -> str:
        """Return why nothing can be sent to a path, "" if it can."""
        if setting in self._down:
            return "the server has ended, and does not start again"
        return self._tallies.obstacle(path, is_socket=is_socket)

    def attempt(
        self, setting: str, where: str, act: Act, member: MemberTally | None = None
    ) -> tuple[Answer, Seen] | None:
        """Probe once; blame a part and start another server where that hangs or ends this one, and return None."""
        session = self._sessions[setting]
        session.begin()
        try:
            answer, seen = act(session)
        except (HungError, GoneError) as error:
            if not self._tallies.blame(session, error, where, member):
                self._unexplained[setting] += 1
            self.restart(setting)
            return None
        self._tallies.collect(seen, where)
        if seen.has_ended:  # the server goes on for a moment
            self.restart(setting)
        return answer, seen

    def restart(self, setting: str) -> None:
        """Start another server in place of one that hangs or has ended."""
        self._sessions[setting].close()
        self._sessions[setting] = self.begin(setting)
        if self._unexplained[setting] > _MOST or not self.listen(setting):
            self._down.add(setting)

    def stop(self, setting: str) -> None:
        """Shut the app down, and collect what its shutdown functions do."""
        if setting in self._down:
            return
        session, where = self._sessions[setting], f"{setting}, at its end"
        try:
            self._tallies.collect(session.stop(), where)
        except (HungError, GoneError) as error:
            self._tallies.blame(session, error, where, None)


def silent(session: Session, error: HungError | GoneError) -> errors.TargetError:
    """Make the error for a process that neither answers nor says why."""
    if isinstance(error, HungError):
        location = f", in {error.location}" if error.location else ""
        why = f"it still runs after {session.timeout:g} s{location}, and does not listen"
        fix = "Give --timeout more seconds, or start servers and connections in on_startup"
    else:
        why, fix = str(error), "Raise an error where something is wrong; --traceback shows what it wrote"
    who = f"target {session.target!r}"
    return errors.TargetError(who, "can't be checked", why, fix, target=session.target, traceback=session.log)
