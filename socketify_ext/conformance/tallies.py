"""What was seen of all parts of a target, and which of them is to blame where its process hangs or ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from ..inspection.process import GoneError, HungError
from .report import Finding, PartReport, Report
from .session import Answer, EndedError, Seen, Session
from .tally import MemberTally, Tally, foreign_tags

_ENOUGH: Final = 5  # calls after which it can be told whether something piles up
_MOST: Final = 0.7  # of it, a call
_AFTER: Final = ("after_response", "on_ws_close")  # hooks that no answer tells of
_OK, _SWITCHED = 200, 101
_OTHER: Final = Tally(PartReport("", "lifecycle"))  # in place of a part that is another extension's


class Tallies:
    """The tallies of one target's parts.

    Args:
        report: gets the findings that belong to no part.

    Attributes:
        name: the extension's; None for an app, all of whose parts are its own.
        members: by "target.name".
        parts: the others, by the numbers that the processes give them.
        is_leaky: whether answers hold data of others, whatever is called.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.name: str | None = None
        self.members: dict[str, MemberTally] = {}
        self.parts: list[Tally] = []
        self.is_leaky = False
        self._remains: list[Mapping[str, int]] = []  # threads and others, after each probe
        self._piling: set[str] = set()  # what hooks leave behind

    def callable(self) -> list[MemberTally]:
        """Return the members of which it is known how to call them."""
        return [each for each in self.members.values() if not each.report.reason]

    def is_own(self, part: Tally) -> bool:
        """Whether a part is the target's, and not of an extension that it requires."""
        return self.name is None or part.extension == self.name or isinstance(part, MemberTally)

    def numbered(self) -> list[Tally]:
        """Return the parts by their numbers, with nothing in place of those that are not the target's."""
        return [part if self.is_own(part) else _OTHER for part in self.parts]

    def own(self, *kinds: str) -> list[Tally]:
        """Return the target's own parts of these kinds."""
        return [part for part in self.parts if part.report.kind in kinds and self.is_own(part)]

    def sole(self, *kinds: str) -> Tally | None:
        """Return the target's only part of these kinds, None where it has none or several."""
        found = self.own(*kinds)
        return found[0] if len(found) == 1 else None

    def finished(self) -> Iterator[PartReport]:
        """Yield the reports on all parts of the target."""
        for member in self.members.values():
            yield member.finish()
        for part in self.parts:
            if self.is_own(part):
                report = part.finish()
                if not report.runs and not report.findings:
                    report.reason = part.unreached or "no probe has led to it, which is for other routes or events"
                yield report

    # -- findings

    def add(self, finding: Finding) -> None:
        """Add a finding that belongs to no part, the first of its kind."""
        if all(finding.kind != each.kind for each in self.report.findings):
            self.report.findings.append(finding)

    def _add_to(self, part: Tally | None, finding: Finding) -> None:
        if part is None:
            self.add(finding)
        else:
            part.add(finding.kind, finding.problem, finding.where)

    def add_patches(self, patched: Iterable[str]) -> None:
        """Add a finding for each function that is replaced."""
        known = {finding.problem for finding in self.report.findings}
        problems = [f"{name} is replaced, for all that runs in the process" for name in patched]
        self.report.findings += [Finding("patches", problem) for problem in problems if problem not in known]

    def collect(self, seen: Seen, where: str) -> None:
        """Add what was seen of all parts but a member that was probed."""
        for number, observation in seen.watched:
            if number < len(self.parts):
                self.parts[number].take(observation, where)
        for number in seen.unfinished:
            if number < len(self.parts):
                self.parts[number].report.runs += 1
                self.parts[number].add("hangs", "it does not end", where)
        logged = [] if seen.observation is not None else seen.logged
        for message in (*logged, *seen.stray)[:1]:
            self.add(Finding("logged", message, where))
        if seen.remains:
            self._remains.append(seen.remains)
        self.add_patches(seen.patched)

    def blame(self, session: Session, error: HungError | GoneError, where: str, member: MemberTally | None) -> bool:
        """Add the finding for a process that hangs or has ended to the part that it runs; return whether there is one."""
        if isinstance(error, EndedError):
            self.collect(error.seen, where)
            if error.seen.has_ended:
                return True
        if isinstance(error, HungError):
            kind, problem = "hangs", f"no answer within {session.patience:g} s"
            problem += f", in {error.location}" if error.location else ""
        else:
            kind, problem = "crashes", str(error)
        running = [self.parts[number] for number in session.running() if number < len(self.parts)]
        ran = self._leading(error.seen) if isinstance(error, EndedError) else []
        culprit = running[-1] if running else member or (ran[0] if len(ran) == 1 else None)
        if culprit is None:
            self.add(Finding(kind, problem, where))
            return False
        culprit.report.runs += bool(running)
        culprit.add(kind, problem, where)
        culprit.is_dead = True
        if not self.is_own(culprit):
            self.add(Finding(kind, f"{culprit.report.name} of extension {culprit.extension!r}: {problem}", where))
        return True

    def _leading(self, seen: Seen) -> list[Tally]:
        """Return the parts that have run before an answer."""
        ran = {number for number, _ in seen.watched if number < len(self.parts)}
        return [self.parts[number] for number in ran if self.parts[number].event not in _AFTER]

    @contextmanager
    def piling_up(self, setting: str, part: Tally | None) -> Iterator[None]:
        """Find out whether probes of a part, None for several, leave something behind, each of them."""
        self._remains.clear()
        yield
        calls = len(self._remains)
        for what, before in self._remains[0].items() if calls >= _ENOUGH else ():
            grown = self._remains[-1].get(what, 0) - before
            if grown <= calls * _MOST or what in self._piling:
                continue
            if part is None or part.report.kind == "hook":  # it goes on, whatever is called
                self._piling.add(what)
            self._add_to(part, Finding("piles-up", f"{grown} {what} remain of {calls} calls", setting))

    # -- what is not called

    def obstacle(self, path: str, *, is_socket: bool) -> str:
        """Return why nothing is sent to a path: a hook on the way hangs or ends the process; else ""."""
        for part in self.parts:
            concerns = part.report.kind == "hook" and (is_socket or not part.event.startswith("on_ws"))
            if part.is_dead and concerns and f"{path}/".startswith(f"{part.path}/"):
                what = part.report.findings[0].problem if part.report.findings else "it holds all requests up"
                return f"{part.report.name} ({part.report.place}) is on the way: {what}"
        return ""

    def refused_by(self, answer: Answer) -> str:
        """Return why a member was not called, though its request was answered."""
        for part in self.parts:
            if part.refusal:
                what = f"{part.report.name} ({part.report.place}) refuses the request: {part.refusal}"
                return f"{what}; give what it asks for by --header"
        return f"its request was answered with {answer.status or 'a refusal'} before"

    def judge_answer(self, answer: Answer, tag: str, where: str, led: list[Tally], seen: Seen) -> None:
        """Look for data of others in what a client got.

        Args:
            answer: of the server.
            tag: the text of the client.
            where: what the client did.
            led: the parts that it was for, none for the routes of the check.
            seen: what has run meanwhile.
        """
        if not foreign_tags(answer.text, tag):
            return
        suspects = [part for part in led if part.event == "message"] or led or self._leading(seen)
        self.is_leaky = self.is_leaky or not led
        suspect = suspects[0] if len(suspects) == 1 else None
        self._add_to(suspect, Finding("leaks", "an answer holds data of another request", where))

    def judge_services(self, visit: str, answer: Answer, tag: str, where: str) -> None:
        """Look whether a serializer and a backplane have done their work.

        Args:
            visit: what the client did.
            answer: of the server.
            tag: the text of the client.
            where: for findings.
        """
        for part in self.own("serializer", "backplane"):
            if part.report.kind == "serializer" and visit == "GET json" and answer.status == _OK:
                part.report.runs += 1
                if not _holds(answer.body, tag):
                    part.add("answer", f'{{"cell": "{tag}"}} is answered as {answer.body!r}', where)
            elif part.report.kind == "backplane" and visit == "WS chat" and answer.status == _SWITCHED:
                part.report.runs += 1
                if f"published {tag}" not in answer.messages:
                    part.add("raises", "a publication does not arrive", where)


def _holds(body: bytes, tag: str) -> bool:
    try:
        return bool(json.loads(body)["cell"] == tag)
    except (ValueError, LookupError, TypeError):
        return False
