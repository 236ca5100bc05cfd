"""What was seen of one part, call by call, and the findings of all calls together."""

from __future__ import annotations

import re
import statistics
from typing import Any, Final

from .bodies import Body
from .places import LEAVING, cells, is_stock
from .report import Finding, PartReport

LIMIT: Final = 0.05  # seconds that one step may hold the loop
SLOW: Final = 1.0  # seconds that a hook may hold a request or a message up
_FEW: Final = 8  # calls
# Hooks that a request or a message waits for.
HOLDING: Final = ("before_request", "before_upgrade", "before_send", "on_error", "on_ws_message")
_TAG: Final = re.compile(r"probe-[0-9a-f]{8}-\d+")


def foreign_tags(text: str, tag: str) -> set[str]:
    """Return the texts of other probes in a text."""
    return set(_TAG.findall(text)) - {tag}


class Tally:
    """The state of one part beside members.

    Attributes:
        event: of a hook or a socket, the method of a route, or when a function runs.
        path: the prefix of a hook, or the pattern of a route.
        extension: whose part it is, None for the app's own.
        is_dead: whether it has ended the process, hangs or is so slow that nothing is led to it any more.
        refusal: with what it has refused last.
        unreached: why nothing has led to it, "" where that is not known.
    """

    def __init__(self, report: PartReport, event: str = "", path: str = "", extension: str | None = None) -> None:
        self.report = report
        self.event = event
        self.path = path
        self.extension = extension
        self.is_dead = False
        self.refusal = ""
        self.unreached = ""
        self.raised: list[Finding] = []
        self.held: list[float] = []  # of calls that were not refused
        self.taken: list[float] = []

    @classmethod
    def of(cls, part: dict[str, Any]) -> Tally:
        """Make the tally of a part that a process has described."""
        report = PartReport(part["name"], part["kind"], place=part["place"])
        tally = cls(report, part["event"], part["path"], part["extension"])
        tally.unreached = part["reason"]
        return tally

    def add(self, kind: str, problem: str, where: str, place: str = "") -> None:
        """Add a finding."""
        self.report.add(Finding(kind, problem, where, place or self.report.place))

    def take(self, seen: dict[str, Any], where: str) -> None:
        """Take what was seen of one call."""
        self.report.runs += 1
        if seen["outcome"] != "refused" or seen["longest"] > LIMIT:
            self.held.append(seen["longest"])
        self.taken.append(seen["taken"])
        for why, place in seen["late"]:
            self.add("late-read", why, where, place)
        for message in seen["logged"]:
            if not seen["late"]:
                self.add("logged", message, where)
        self._take_outcome(seen, where)
        if self.event in HOLDING and len(self.taken) > 1 and statistics.median(self.taken) > SLOW:
            self.is_dead = True

    def _take_outcome(self, seen: dict[str, Any], where: str) -> None:
        if seen["outcome"] == "refused":
            self.report.refused += 1
            self.refusal = seen["error"] or "an answer of its own"
        elif seen["outcome"] == "ended":
            self.add("crashes", f"{seen['error']} ends the process", where, seen["place"])
            self.is_dead = True
        elif seen["outcome"] == "cancelled" and self.event == "on_shutdown":
            self.add("hangs", "it has run out of time", where)
        elif seen["outcome"] == "cancelled" and not where.endswith(LEAVING):
            self.raised.append(Finding("raises", "CancelledError", where))
        elif seen["outcome"] in ("raised", "impossible"):
            self.raised.append(Finding("raises", seen["error"], where, seen["place"]))

    def finish(self) -> PartReport:
        """Add the findings of all calls together, and return the report."""
        report = self.report
        held = 0.0
        if self.held and report.kind != "lifecycle":  # of few calls, a busy machine makes some slow
            held = statistics.median(self.held) if len(self.held) > _FEW else min(self.held)
        if held > LIMIT:
            self.add("blocks", f"one step holds the event loop for {held * 1000:.0f} ms", "")
        elif self.event in HOLDING and self.taken and statistics.median(self.taken) > SLOW:
            self.add("slow", f"it holds each request up for {statistics.median(self.taken):.1f} s", "")
        if self.raised:
            first = self.raised[0]
            often = f" in {len(self.raised)} of {report.runs} calls" if report.runs > 1 else ""
            self.add("raises", first.problem + often, first.where, first.place)
        return report


class MemberTally(Tally):
    """The state of one member.

    Attributes:
        guessed: whether its arguments were made up.
        upgrades: whether it belongs into an upgrade handler.
        body: what it reads of those that probes send; None before that is known.
    """

    def __init__(self, report: PartReport, *, guessed: bool, upgrades: bool) -> None:
        super().__init__(report)
        self.guessed = guessed
        self.upgrades = upgrades
        self.target = report.name.partition(".")[0]
        self.body: Body | None = None

    @classmethod
    def of(cls, part: dict[str, Any]) -> MemberTally:
        """Make the tally of a member that a process has described."""
        guessed, upgrades = part.pop("guessed"), part.pop("upgrades")
        findings = [Finding(**each) for each in part.pop("findings")]
        return cls(PartReport(**part, findings=findings), guessed=guessed, upgrades=upgrades)

    def cells(self, setting: str) -> list[tuple[str, str]]:
        """Return the places of a setting in which it runs, as events and styles."""
        return [each for each in cells(setting, self.target) if each[0] == "upgrade" or not self.upgrades]

    def evaluate(self, seen: dict[str, Any], answer: str, tag: str, where: str) -> None:
        """Take what was seen of one call, and what the client got."""
        for found, what in ((seen["value"], "its result"), (seen["left"], "its object"), (answer, "its answer")):
            if foreign_tags(found, tag):
                self.add("leaks", f"{what} holds data of another request", where)
        self.take(seen, where)

    def reads(self, body: Body) -> None:
        """Send this body from now on."""
        self.body = body
        if body.name:
            self.report.call += f" with {body.name}"

    def _take_outcome(self, seen: dict[str, Any], where: str) -> None:
        if seen["outcome"] == "impossible" and is_stock(where):
            if not any(limit.endswith(seen["error"]) for limit in self.report.limits):
                self.report.limits.append(f"{where}: {seen['error']}")
        elif seen["outcome"] == "raised" and seen["answer_failed"]:
            self.add("answer", seen["error"], where, seen["place"])
        elif seen["outcome"] == "raised" and seen["late"]:
            return
        else:
            super()._take_outcome(seen, where)

    def finish(self) -> PartReport:
        """Add the findings of all calls together, and return the report."""
        report, raised = self.report, self.raised
        self.raised = []
        super().finish()
        if raised:
            first, often = raised[0], f"{len(raised)} of {report.runs} calls"
            if len(raised) < report.runs:
                self.add("differs", f"{first.problem} in {often}", first.where, first.place)
            elif self.guessed:
                report.reason = f"{report.call} raised {first.problem}; give its arguments by --with"
                report.cost = None
            else:
                report.add(first)
        elif not report.runs and not report.reason and self.unreached:
            report.reason = self.unreached
        return report
