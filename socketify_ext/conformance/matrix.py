"""The check of one target: all of its parts, in the whole matrix, and the report."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .. import errors
from ..inspection.process import GoneError, HungError
from .bodies import BODIES, NO_BODY, Body
from .calls import parse
from .grade import grade_of
from .places import AS_CONFIGURED, SETTINGS
from .report import Cost, Finding, PartReport, Report
from .servers import Servers, silent
from .session import PATIENCE, Answer, Seen, Session
from .tallies import Tallies
from .tally import MemberTally
from .visits import (
    Visit,
    check_requests,
    check_values,
    hook_visits,
    is_request,
    is_value,
    read_value,
    route_visits,
)

Progress = Callable[[int, int], None]


def check_target(
    target: str,
    *,
    options: Mapping[str, Mapping[str, str]] | None = None,
    shares_options: bool = False,
    examples: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
    patience: float = PATIENCE,
    costs: bool = True,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Check an extension in every setting, or an app as it is configured.

    Args:
        target: an extension's name, `module:attribute`, or `module:run`.
        options: texts of options by extension and name, those of the target itself under "".
        shares_options: whether those of an extension that is not loaded are for other targets, and no error.
        examples: how members are called, `request.member(1)`, and routes, `POST /orders {"sku": "tea"}`; and values of
            route options, `auth=["read"]`.
        headers: that each request sends, for hooks that let nobody in without them.
        timeout: seconds that the target gets to load and start.
        patience: seconds that one call may take, and less where `timeout` is less.
        costs: whether to measure what a call of a member costs.
        progress: called with the number of calls that are done, and of all.

    Raises:
        MissingExtraError: websockets is not installed.
        ExtensionError: the target is wrong, fails or takes too long.
    """
    errors.require_extra("websockets", "testing", "socketify-ext check")
    requests = [example for example in examples if is_request(example)]
    values = dict(read_value(example) for example in examples if is_value(example))
    members = [example for example in examples if not is_request(example) and not is_value(example)]
    for example in members:
        parse(example)
    request = {
        "target": target,
        "options": {extension: dict(texts) for extension, texts in (options or {}).items()},
        "shares_options": shares_options,
        "examples": members,
        "values": values,
        "patience": min(timeout, patience),
        "measures": costs,
    }
    return _Check(request, requests, headers or {}, timeout, progress).run()


class _Check:
    def __init__(
        self,
        request: dict[str, Any],
        requests: list[str],
        headers: Mapping[str, str],
        timeout: float,
        progress: Progress,
    ) -> None:
        self.report = Report(request["target"])
        self.values = request["values"]
        self.requests = requests
        self.progress = progress
        self.tags = (f"probe-{uuid.uuid4().hex[:8]}-{number}" for number in itertools.count(1))
        self.tallies = Tallies(self.report)
        self.servers = Servers(request, timeout, headers, self.tallies)
        self.options: list[PartReport] = []
        self.facts: dict[str, list[str]] = {}
        self.done = self.total = 0

    def run(self) -> Report:
        settings = self.learn()
        self.total = sum(len(each.cells(setting)) for setting in settings for each in self.tallies.callable())
        try:
            self.servers.start(settings)
            for setting in settings:
                self.exercise(setting)
        finally:
            self.servers.close()
        self.report.parts = [*self.tallies.finished(), *self.options]
        if self.tallies.name is not None:
            self.report.grade = grade_of(self.report, self.facts)
        return self.report

    # -- start

    def learn(self) -> list[str]:
        """Get the members from a process, with their costs.

        Returns:
            The settings to check in; none where the target can't be registered.
        """
        session = self.servers.begin("installed", serves=False)
        try:
            described = session.read_event()
            self.tallies.name = described["name"]
            if "unregistered" in described:
                self.report.findings.append(Finding("register", described["unregistered"]))
                return []
            self.tallies.members = {record["name"]: MemberTally.of(record) for record in described["members"]}
            self.facts = described["facts"]
            self.tallies.add_patches(described["patched"])
            for problem in self.facts.pop("documented", ()):
                self.report.findings.append(Finding("docs", problem))
            with contextlib.suppress(HungError, GoneError):  # the probes report what a member does to its process
                self.dry_run(session)
        except _WRONG_TARGETS:
            raise
        except errors.ExtensionError as error:
            self.report.findings.append(Finding("register", str(error)))
            return []
        except (HungError, GoneError) as error:
            raise silent(session, error) from None
        finally:
            session.close()
        return [AS_CONFIGURED] if self.tallies.name is None else list(SETTINGS)

    def dry_run(self, session: Session) -> None:
        """Get the costs of members, and the options that were tried."""
        event: dict[str, Any] = {}
        while "completed" not in event:
            event = session.read_event()
            if "cost" in event:
                self.tallies.members[event["member"]].report.cost = Cost(**event["cost"])
            elif "option" in event:
                option = event["option"]
                findings = [Finding(**each) for each in option.pop("findings")]
                self.options.append(PartReport(**option, findings=findings))

    # -- probes

    def exercise(self, setting: str) -> None:
        """Call every part in every place of one setting."""
        members = self.tallies.callable()
        if not self.servers.listen(setting):
            self.advance(sum(len(each.cells(setting)) for each in members))
            return
        prefixes = self.servers.prefixes(setting)
        if prefixes:
            self.visit_all(setting, prefixes)
        for member in members:
            with self.tallies.piling_up(setting, member):
                for event, style in member.cells(setting):
                    self.call(setting, member, event, style)
                    self.advance(1)
        if prefixes:
            self.servers.stop(setting)

    def advance(self, calls: int) -> None:
        self.done += calls
        self.progress(self.done, self.total)

    def visit_all(self, setting: str, prefixes: Sequence[str]) -> None:
        """Do what clients do, for all parts but members."""
        parts = self.tallies.numbered()
        check_requests(self.requests, parts)
        check_values(self.values, parts)
        with self.tallies.piling_up(setting, self.tallies.sole("route", "event")):
            for visit in route_visits(parts, self.requests):
                self.visit(setting, visit)
        if self.tallies.parts:
            with self.tallies.piling_up(setting, self.tallies.sole("hook")):
                for visit in hook_visits(prefixes):
                    self.visit(setting, visit)

    def visit(self, setting: str, visit: Visit) -> None:
        """Do what one client does."""
        parts = [self.tallies.parts[number] for number in visit.leads_to]
        if any(part.is_dead for part in parts):
            return
        if visit.is_last_resort and all(part.report.runs > part.report.refused for part in parts):
            return
        obstacle = self.servers.obstacle(setting, visit.path, is_socket=visit.is_socket)
        if obstacle:
            for part in parts:
                part.unreached = part.unreached or obstacle
            return
        tag, where = next(self.tags), f"{setting}, {visit.where}"

        def act(session: Session) -> tuple[Answer, Seen]:
            return visit.act(session, visit.path.replace("{}", tag), tag), session.ask()

        probed = self.servers.attempt(setting, where, act)
        if probed is None:
            return
        answer, seen = probed
        self.tallies.judge_answer(answer, tag, where, parts, seen)
        self.tallies.judge_services(visit.where, answer, tag, where)
        for part in parts:
            is_answered = part.report.kind == "route" and not part.report.runs  # by a hook of the same extension
            if answer.status in _DONE and (is_answered or part.report.kind == "route option"):
                part.report.runs += 1
            if not part.report.runs:
                refused = f"{visit.where} was answered with {answer.status or 'a refusal'} before"
                part.unreached = part.unreached or refused

    def call(self, setting: str, member: MemberTally, event: str, style: str) -> None:
        """Call a member once, with a body that it reads where it reads one."""
        obstacle = self.servers.obstacle(setting, "", is_socket=event != "request")
        if obstacle or member.is_dead:
            member.unreached = member.unreached or obstacle
            return
        bodies: Sequence[Body] = [member.body or NO_BODY]
        if event == "request" and member.body is None:
            bodies = BODIES
        for body in bodies:
            if self.call_with(setting, member, event, style, body, is_last=body is bodies[-1]):
                return

    def call_with(
        self, setting: str, member: MemberTally, event: str, style: str, body: Body, *, is_last: bool
    ) -> bool:
        """Call a member with one body; return whether no other is to be tried."""
        tag, where = next(self.tags), f"{setting}, {style}" + ("" if event == "request" else f" {event}")

        def act(session: Session) -> tuple[Answer, Seen]:
            if event != "request":
                return Answer(0), session.connect(style, member.report.name, tag, event)
            return session.call(style, member.report.name, tag, body), session.ask(tag)

        probed = self.servers.attempt(setting, where, act, member)
        if probed is None:
            return True
        answer, seen = probed
        if seen.observation is None and seen.begun:
            member.add("hangs", "it does not end", where)
            member.is_dead = True
            self.servers.restart(setting)
        elif seen.observation is None:
            member.unreached = member.unreached or self.tallies.refused_by(answer)
        else:
            is_refused = seen.observation["outcome"] == "refused"
            if is_refused and not is_last:
                return False
            if event == "request" and member.body is None:
                member.reads(NO_BODY if is_refused else body)
            member.evaluate(seen.observation, "" if self.tallies.is_leaky else answer.text, tag, where)
        return True


_DONE: Final = (200, 101)
_WRONG_TARGETS: Final = (
    errors.TargetError,
    errors.UnknownExtensionError,
    errors.BlockedExtensionError,
    errors.DuplicateProviderError,
    errors.OptionsError,
)
