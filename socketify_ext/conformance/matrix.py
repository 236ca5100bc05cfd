"""The check of one target: the whole matrix, and the report."""

from __future__ import annotations

import contextlib
import itertools
import re
import statistics
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .. import errors
from ..inspection.process import GoneError, HungError
from .calls import parse
from .places import AS_CONFIGURED, SETTINGS, cells
from .report import Cost, Finding, MemberReport, Report
from .session import Session

LIMIT: Final = 0.05  # seconds that one step may hold the loop

Progress = Callable[[int, int], None]


def check_target(
    target: str,
    *,
    options: Mapping[str, Any] | None = None,
    examples: Sequence[str] = (),
    timeout: float = 10.0,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Check an extension in every setting, or an app as it is configured.

    Args:
        target: an extension's name, `module:attribute`, or `module:run`.
        options: of the extension.
        examples: how members are called: `request.member(1)`.
        timeout: seconds that the target gets to load and start.
        progress: called with the number of calls that are done, and of all.

    Raises:
        MissingExtraError: websockets is not installed.
        ExtensionError: the target is wrong, fails or takes too long.
    """
    errors.require_extra("websockets", "testing", "socketify-ext check")
    for example in examples:
        parse(example)
    return _Check(target, dict(options or {}), list(examples), timeout, progress).run()


class _Check:
    def __init__(
        self, target: str, options: dict[str, Any], examples: list[str], timeout: float, progress: Progress
    ) -> None:
        self.report = Report(target)
        self.request = {"target": target, "options": options, "examples": examples}
        self.timeout = timeout
        self.progress = progress
        self.tags = (f"probe-{uuid.uuid4().hex[:8]}-{number}" for number in itertools.count(1))
        self.members: dict[str, _Member] = {}
        self.reads: dict[str, list[str]] = {}
        self.done = self.total = 0

    def run(self) -> Report:
        is_app = self.learn()
        if is_app is None:
            return self.report
        settings = [AS_CONFIGURED] if is_app else list(SETTINGS)
        sessions = {setting: self.begin(setting) for setting in settings}
        self.total = sum(len(list(cells(setting, each.target))) for setting in settings for each in self.callable())
        try:
            for setting in settings:
                self.probe(setting, sessions)
        finally:
            for session in sessions.values():
                session.close()
        self.report.members = [each.finish() for each in self.members.values()]
        return self.report

    def callable(self) -> list[_Member]:
        return [each for each in self.members.values() if not each.report.reason]

    def begin(self, setting: str, *, serves: bool = True) -> Session:
        return Session({**self.request, "pools": SETTINGS.get(setting), "serves": serves}, self.timeout)

    # -- start

    def learn(self) -> bool | None:
        """Get the members from a process, with a dry run of them.

        Returns:
            Whether the target is an app; None where it can't be registered.
        """
        session = self.begin("installed", serves=False)
        try:
            described = session.read_event()
            for record in described["members"]:
                self.members[record["name"]] = _Member.of(record)
            if not described["documented"]:
                self.report.findings.append(Finding("docs", "the extension function has no docstring"))
            with contextlib.suppress(HungError, GoneError):  # the probes report what a member does to its process
                self.dry_run(session)
        except _WRONG_TARGETS:
            raise
        except errors.ExtensionError as error:
            self.report.findings.append(Finding("register", str(error)))
            return None
        except (HungError, GoneError) as error:
            raise self.silent(session, error) from None
        finally:
            session.close()
        return bool(described["is_app"])

    def dry_run(self, session: Session) -> None:
        """Get the names that members read, and their costs."""
        event: dict[str, Any] = {}
        while "completed" not in event:
            event = session.read_event()
            self.reads = event.get("reads", self.reads)
            if "cost" in event:
                self.members[event["member"]].report.cost = Cost(**event["cost"])

    def listening(self, session: Session) -> None:
        """Wait until a process listens."""
        session.port, session.reads = session.read_event()["port"], self.reads

    def silent(self, session: Session, error: HungError | GoneError) -> errors.TargetError:
        """Make the error for a process that neither answers nor says why."""
        if isinstance(error, HungError):
            location = f", in {error.location}" if error.location else ""
            why = f"it still runs after {session.timeout:g} s{location}, and does not listen"
            fix = "Give --timeout more seconds, or start servers and connections in on_startup"
        else:
            why, fix = str(error), "Raise an error where something is wrong; --traceback shows what it wrote"
        who = f"target {session.target!r}"
        return errors.TargetError(who, "can't be checked", why, fix, target=session.target, traceback=session.log)

    # -- probes

    def probe(self, setting: str, sessions: dict[str, Session]) -> None:
        """Call every member in every place of one setting."""
        if not self.is_up(setting, sessions[setting]):
            self.advance(sum(len(list(cells(setting, each.target))) for each in self.callable()))
            return
        self.report.settings.append(setting)
        for member in self.callable():
            for event, style in cells(setting, member.target):
                if not member.is_dead:
                    self.call(setting, sessions, member, event, style)
                self.advance(1)

    def advance(self, calls: int) -> None:
        self.done += calls
        self.progress(self.done, self.total)

    def is_up(self, setting: str, session: Session) -> bool:
        """Wait until a process listens; return whether it does, and report why not."""
        try:
            self.listening(session)
        except errors.InstallError:
            self.report.skipped[setting] = "it needs socketify_ext.install(app)"
        except errors.ExtensionError as error:
            self.report.findings.append(Finding("register", str(error), setting))
        except (HungError, GoneError) as error:
            self.report.findings.append(Finding("register", str(self.silent(session, error)), setting))
        return bool(session.port)

    def call(self, setting: str, sessions: dict[str, Session], member: _Member, event: str, style: str) -> None:
        """Call a member once; start another server where that ends this one."""
        tag, session = next(self.tags), sessions[setting]
        where = f"{setting}, {style}" + ("" if event == "request" else f" {event}")
        try:
            if event == "request":
                seen, answer = session.call(style, member.report.name, tag)
            else:
                seen, answer = session.connect(style, member.report.name, tag, event), ""
        except HungError:
            member.add("hangs", f"no answer within {session.patience:g} s", where)
        except GoneError as gone:
            member.add("crashes", str(gone), where)
        else:
            member.evaluate(seen, answer, tag, where)
            return
        member.is_dead = True
        session.close()
        sessions[setting] = self.begin(setting)
        try:
            self.listening(sessions[setting])
        except (HungError, GoneError) as error:
            raise self.silent(sessions[setting], error) from None


_TAG: Final = re.compile(r"probe-[0-9a-f]{8}-\d+")
_WRONG_TARGETS: Final = (
    errors.TargetError,
    errors.UnknownExtensionError,
    errors.BlockedExtensionError,
    errors.DuplicateProviderError,
    errors.OptionsError,
)


class _Member:
    """The state of one member, call by call."""

    def __init__(self, report: MemberReport, *, guessed: bool) -> None:
        self.report = report
        self.guessed = guessed
        self.target = report.name.partition(".")[0]
        self.is_dead = False
        self.raised: list[Finding] = []
        self.held: list[float] = []

    @classmethod
    def of(cls, record: dict[str, Any]) -> _Member:
        guessed = record.pop("guessed")
        findings = [Finding(**each) for each in record.pop("findings")]
        return cls(MemberReport(**record, findings=findings), guessed=guessed)

    def add(self, kind: str, problem: str, where: str, place: str = "") -> None:
        self.report.add(Finding(kind, problem, where, place))

    def evaluate(self, seen: dict[str, Any], answer: str, tag: str, where: str) -> None:
        """Add the findings of one call."""
        self.report.runs += 1
        self.held.append(seen["longest"])
        for found, what in ((seen["value"], "its result"), (seen["left"], "its object"), (answer, "its answer")):
            foreign = set(_TAG.findall(found)) - {tag}
            if foreign:
                self.add("leaks", f"{what} holds data of another request", where, self.report.place)
        for why, place in seen["late"]:
            self.add("late-read", why, where, place)
        for message in seen["logged"]:
            if not seen["late"]:
                self.add("logged", message, where)
        if seen["outcome"] == "raised" and seen["answer_failed"]:
            self.add("answer", seen["error"], where, seen["place"])
        elif seen["outcome"] == "raised" and not seen["late"]:
            self.raised.append(Finding("raises", seen["error"], where, seen["place"]))

    def finish(self) -> MemberReport:
        """Add the findings of all calls together, and return the report."""
        report = self.report
        if self.held and statistics.median(self.held) > LIMIT:
            held = statistics.median(self.held) * 1000
            self.add("blocks", f"one step holds the event loop for {held:.0f} ms", "", report.place)
        if self.raised:
            first, often = self.raised[0], f"{len(self.raised)} of {report.runs} calls"
            if len(self.raised) < report.runs:
                self.add("differs", f"{first.problem} in {often}", first.where, first.place)
            elif self.guessed:
                report.reason = f"{report.call} raised {first.problem}; give its arguments by --with"
                report.cost = None
            else:
                report.add(first)
        return report
