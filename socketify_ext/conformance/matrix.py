"""The check of one target: all of its parts, in the whole matrix, and the report."""

from __future__ import annotations

import contextlib
import itertools
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from .. import errors
from ..inspection.process import GoneError, HungError
from .bodies import BODIES, NO_BODY
from .calls import parse
from .grade import grade_of
from .places import AS_CONFIGURED, SCOPE, SETTINGS
from .report import Cost, Finding, PartReport, Report
from .session import Answer, EndedError, Seen, Session
from .tally import MemberTally, Tally, foreign_tags
from .visits import Visit, check_requests, hook_visits, is_request, is_value, read_value, route_visits

Progress = Callable[[int, int], None]


def check_target(
    target: str,
    *,
    options: Mapping[str, Any] | None = None,
    examples: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Check an extension in every setting, or an app as it is configured.

    Args:
        target: an extension's name, `module:attribute`, or `module:run`.
        options: of the extension.
        examples: how members are called, `request.member(1)`, and routes, `POST /orders {"sku": "tea"}`; and values of
            route options, `auth=["read"]`.
        headers: that each request sends, for hooks that let nobody in without them.
        timeout: seconds that the target gets to load and start.
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
    request = {"target": target, "options": dict(options or {}), "examples": members, "values": values}
    return _Check(request, requests, dict(headers or {}), timeout, progress).run()


class _Check:
    def __init__(
        self, request: dict[str, Any], requests: list[str], headers: dict[str, str], timeout: float, progress: Progress
    ) -> None:
        self.report = Report(request["target"])
        self.request = request
        self.requests = requests
        self.headers = headers
        self.timeout = timeout
        self.progress = progress
        self.tags = (f"probe-{uuid.uuid4().hex[:8]}-{number}" for number in itertools.count(1))
        self.members: dict[str, MemberTally] = {}
        self.parts: list[Tally] = []
        self.options: list[PartReport] = []
        self.sessions: dict[str, Session] = {}
        self.down: set[str] = set()  # settings whose server has ended and does not start again
        self.reads: dict[str, list[str]] = {}
        self.name: str | None = None  # of the extension; None for an app
        self.facts: dict[str, list[str]] = {}
        self.remains: list[dict[str, int]] = []  # threads and others, after each probe
        self.piling: set[str] = set()  # what hooks leave behind
        self.is_leaky = False  # whether answers hold data of others, whatever is called
        self.done = self.total = 0

    def run(self) -> Report:
        settings = self.learn()
        self.sessions = {setting: self.begin(setting) for setting in settings}
        self.total = sum(len(each.cells(setting)) for setting in settings for each in self.callable())
        try:
            for setting in settings:
                self.exercise(setting)
        finally:
            for session in self.sessions.values():
                session.close()
        own = [self.finished(each) for each in self.parts if self.is_own(each)]
        self.report.parts = [*(each.finish() for each in self.members.values()), *own, *self.options]
        if self.name is not None:
            self.report.grade = grade_of(self.report, self.facts)
        return self.report

    def callable(self) -> list[MemberTally]:
        return [each for each in self.members.values() if not each.report.reason]

    def begin(self, setting: str, *, serves: bool = True) -> Session:
        scope = SCOPE if setting == "scope" else ""
        request = {**self.request, "pools": SETTINGS.get(setting), "scope": scope, "serves": serves}
        return Session(request, self.timeout, self.headers)

    def is_own(self, part: Tally) -> bool:
        return self.name is None or part.extension == self.name or isinstance(part, MemberTally)

    # -- start

    def learn(self) -> list[str]:
        """Get the members from a process, with their costs.

        Returns:
            The settings to check in; none where the target can't be registered.
        """
        session = self.begin("installed", serves=False)
        try:
            described = session.read_event()
            self.name = described["name"]
            if "unregistered" in described:
                self.report.findings.append(Finding("register", described["unregistered"]))
                return []
            for record in described["members"]:
                self.members[record["name"]] = MemberTally.of(record)
            self.facts = described["facts"]
            self.note_patches(described["patched"])
            if self.facts.get("documented"):
                self.report.findings.append(Finding("docs", self.facts.pop("documented")[0]))
            with contextlib.suppress(HungError, GoneError):  # the probes report what a member does to its process
                self.dry_run(session)
        except _WRONG_TARGETS:
            raise
        except errors.ExtensionError as error:
            self.report.findings.append(Finding("register", str(error)))
            return []
        except (HungError, GoneError) as error:
            raise self.silent(session, error) from None
        finally:
            session.close()
        return [AS_CONFIGURED] if self.name is None else list(SETTINGS)

    def dry_run(self, session: Session) -> None:
        """Get the costs of members, and the options that were tried."""
        event: dict[str, Any] = {}
        while "completed" not in event:
            event = session.read_event()
            if "cost" in event:
                self.members[event["member"]].report.cost = Cost(**event["cost"])
            elif "option" in event:
                option = event["option"]
                findings = [Finding(**each) for each in option.pop("findings")]
                self.options.append(PartReport(**option, findings=findings))

    def note_patches(self, patched: Iterable[str]) -> None:
        for name in patched:
            problem = f"{name} is replaced, for all that runs in the process"
            if all(finding.problem != problem for finding in self.report.findings):
                self.report.findings.append(Finding("patches", problem))

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

    def is_up(self, setting: str) -> bool:
        """Wait until a process listens; return whether it does, and report why not."""
        session = self.sessions[setting]
        try:
            session.listening()
        except errors.InstallError:
            self.report.skipped[setting] = "it needs socketify_ext.install(app)"
        except errors.ScopeError:
            self.report.skipped[setting] = "it concerns the whole app"
        except errors.ExtensionError as error:
            self.report.findings.append(Finding("register", str(error), setting))
        except (HungError, GoneError) as error:
            self.report.findings.append(Finding("register", str(self.silent(session, error)), setting))
        if not session.port:
            return False
        session.reads = self.reads
        if setting not in self.report.settings:
            self.report.settings.append(setting)
        if not self.parts and session.prefixes:
            self.parts = [Tally.of(part) for part in session.parts]
            known = [part.event for part in self.parts if part.report.kind == "route option"]
            for name in self.request["values"]:
                if name not in known:
                    who, why = f"--with {name}=...", "the extension has no such route option"
                    raise errors.TargetError(who, "leads nowhere", why, f"Its route options: {', '.join(known) or 'none'}")
        return True

    # -- probes

    def exercise(self, setting: str) -> None:
        """Call every part in every place of one setting."""
        if not self.is_up(setting):
            self.advance(sum(len(each.cells(setting)) for each in self.callable()))
            return
        session = self.sessions[setting]
        if session.prefixes:
            own = [each if self.is_own(each) else _NOBODY for each in self.parts]
            check_requests(self.requests, own)
            with self.piling_up(setting, self.sole("route", "event")):
                for visit in route_visits(own, self.requests):
                    self.visit(setting, visit)
            if self.parts:
                with self.piling_up(setting, self.sole("hook")):
                    for visit in hook_visits(session.prefixes):
                        self.visit(setting, visit)
        for member in self.callable():
            with self.piling_up(setting, member):
                for event, style in member.cells(setting):
                    self.call(setting, member, event, style)
                    self.advance(1)
        if session.prefixes:
            self.stop(setting)

    def advance(self, calls: int) -> None:
        self.done += calls
        self.progress(self.done, self.total)

    def sole(self, *kinds: str) -> Tally | None:
        """Return the extension's own part of these kinds, if there is one only."""
        found = [part for part in self.parts if part.report.kind in kinds and self.is_own(part)]
        return found[0] if len(found) == 1 else None

    @contextlib.contextmanager
    def piling_up(self, setting: str, part: Tally | None) -> Iterator[None]:
        """Find out whether probes leave something behind, each of them."""
        self.remains.clear()
        yield
        calls, before = len(self.remains), self.remains[:1]
        for what, number in before[0].items() if before else ():
            grown = self.remains[-1].get(what, 0) - number
            if calls >= _ENOUGH and grown > calls * _MOST and what not in self.piling:
                if part is None or part.report.kind == "hook":  # it goes on, whatever is called
                    self.piling.add(what)
                problem = f"{grown} {what} remain of {calls} calls"
                if part is not None:
                    part.add("piles-up", problem, setting)
                elif "piles-up" not in {finding.kind for finding in self.report.findings}:
                    self.report.findings.append(Finding("piles-up", problem, setting))

    def obstacle(self, setting: str, path: str, *, is_socket: bool) -> str:
        """Return why nothing is sent to a path, if so: a hook on the way hangs, say."""
        if setting in self.down:
            return "the server has ended, and does not start again"
        for part in self.parts:
            on_the_way = part.report.kind == "hook" and (is_socket or not part.event.startswith("on_ws"))
            if part.is_dead and on_the_way and f"{path}/".startswith(f"{part.path}/"):
                return f"{part.report.name} ({part.report.place}) is on the way, and " + (
                    part.report.findings[0].problem if part.report.findings else "holds all requests up"
                )
        return ""

    def visit(self, setting: str, visit: Visit) -> None:
        """Do what one client does."""
        parts = [self.parts[number] for number in visit.leads_to]
        if any(part.is_dead for part in parts):
            return
        if visit.is_last_resort and all(part.report.runs > part.report.refused for part in parts):
            return
        obstacle = self.obstacle(setting, visit.path, is_socket=visit.is_socket)
        if obstacle:
            for part in parts:
                part.unreached = part.unreached or obstacle
            return
        tag, where = next(self.tags), f"{setting}, {visit.where}"
        answer, _ = self.attempt(setting, where, lambda session: self.asked(session, visit, tag))
        if answer is None:
            return
        self.judge(visit, answer, tag, where)
        for part in parts:
            if part.report.kind == "route option" and answer.status in (200, 101):
                part.report.runs += 1
            if not part.report.runs:
                part.unreached = part.unreached or f"{visit.where} was answered with {answer.status or 'a refusal'} before"

    def asked(self, session: Session, visit: Visit, tag: str) -> tuple[Answer, Seen]:
        answer = visit.act(session, visit.path.replace("{}", tag), tag)
        return answer, session.ask()

    def judge(self, visit: Visit, answer: Answer, tag: str, where: str) -> None:
        """Look at what the client got."""
        if foreign_tags(answer.text, tag):
            own = [part for part in self.parts if self.is_own(part) and part.report.kind in ("hook", "route", "event")]
            led = [self.parts[number] for number in visit.leads_to] or own
            led = [part for part in led if part.event == "message"] or led
            self.is_leaky = self.is_leaky or not visit.leads_to
            finding = Finding("leaks", "an answer holds data of another request", where)
            if len(led) == 1:
                led[0].add(finding.kind, finding.problem, where)
            elif finding.kind not in {each.kind for each in self.report.findings}:
                self.report.findings.append(finding)
        for part in self.parts:
            if part.report.kind == "serializer" and visit.where == "GET json" and answer.status == 200:
                part.report.runs += 1
                if not _holds(answer.body, tag):
                    part.add("answer", f'{{"cell": "{tag}"}} is answered as {answer.body!r}', where)
            elif part.report.kind == "backplane" and visit.where == "WS chat" and answer.status == 101:
                part.report.runs += 1
                if f"published {tag}" not in answer.messages:
                    part.add("raises", "a publication does not arrive", where)

    def call(self, setting: str, member: MemberTally, event: str, style: str) -> None:
        """Call a member once, with a body that it reads where it reads one."""
        where = f"{setting}, {style}" + ("" if event == "request" else f" {event}")
        obstacle = self.obstacle(setting, "", is_socket=event != "request")
        if obstacle or member.is_dead:
            member.unreached = member.unreached or obstacle
            return
        bodies = [NO_BODY] if event != "request" else BODIES if member.body is None else [member.body]
        for body in bodies:
            tag = next(self.tags)

            def act(session: Session, tag: str = tag, body: Any = body) -> tuple[Answer, Seen]:
                if event != "request":
                    return Answer(0), session.connect(style, member.report.name, tag, event)
                return session.call(style, member.report.name, tag, body), session.ask(tag)

            answer, seen = self.attempt(setting, where, act, member)
            if answer is None or seen is None:
                return
            if seen.observation is None and seen.begun:
                member.add("hangs", "it does not end", where)
                member.is_dead = True
                self.restart(setting)
                return
            if seen.observation is None:
                member.unreached = member.unreached or self.refused_by(answer)
                return
            if seen.observation["outcome"] != "refused" or body is bodies[-1]:
                break
        if event == "request" and member.body is None:
            member.reads(NO_BODY if seen.observation["outcome"] == "refused" else body)
        member.evaluate(seen.observation, "" if self.is_leaky else answer.text, tag, where)

    def refused_by(self, answer: Answer) -> str:
        """Return why a member was not called, though its request was answered."""
        with_ = f"with {answer.status}" if answer.status else "with a refusal"
        for part in self.parts:
            if part.refusal:
                return (
                    f"{part.report.name} ({part.report.place}) refuses the request: {part.refusal}; "
                    "give what it asks for by --header"
                )
        return f"its request was answered {with_} before"

    def attempt(
        self,
        setting: str,
        where: str,
        act: Callable[[Session], tuple[Answer, Seen]],
        member: MemberTally | None = None,
    ) -> tuple[Answer | None, Seen | None]:
        """Probe once; start another server where that ends or blocks this one."""
        session = self.sessions[setting]
        session.begin()
        try:
            answer, seen = act(session)
        except (HungError, GoneError) as error:
            self.blame(session, error, where, member)
            self.restart(setting)
            return None, None
        self.collect(seen, where)
        return answer, seen

    def collect(self, seen: Seen, where: str) -> None:
        """Add what was seen of parts beside the probed one."""
        for number, observation in seen.watched:
            if number < len(self.parts):
                self.parts[number].take(observation, where)
        for number in seen.unfinished:
            if number < len(self.parts):
                self.parts[number].report.runs += 1
                self.parts[number].add("hangs", "it does not end", where)
        if seen.observation is None and seen.logged:
            self.log(seen.logged[0], where)
        if seen.remains:
            self.remains.append(seen.remains)
        for message in seen.stray[:1]:
            self.log(message, where)
        self.note_patches(seen.patched)

    def log(self, message: str, where: str) -> None:
        if all(finding.kind != "logged" for finding in self.report.findings):
            self.report.findings.append(Finding("logged", message, where))

    def blame(self, session: Session, error: HungError | GoneError, where: str, member: MemberTally | None) -> None:
        """Add the finding for a server that hangs or has ended to the part that runs."""
        if isinstance(error, EndedError):
            self.collect(error.seen, where)
            if any(observation["outcome"] == "ended" for _, observation in error.seen.watched):
                return
        if isinstance(error, HungError):
            location = f", in {error.location}" if error.location else ""
            kind, problem = "hangs", f"no answer within {session.patience:g} s{location}"
        else:
            kind, problem = "crashes", str(error)
        running = [self.parts[number] for number in session.running() if number < len(self.parts)]
        culprit = running[-1] if running else member
        if culprit is None:
            self.report.findings.append(Finding(kind, problem, where))
            self.down.add(where.partition(", ")[0])
            return
        if running:
            culprit.report.runs += 1
        culprit.add(kind, problem, where)
        culprit.is_dead = True
        if not self.is_own(culprit):
            self.report.findings.append(Finding(kind, f"{culprit.report.name} of {culprit.extension}: {problem}", where))

    def restart(self, setting: str) -> None:
        """Start another server in place of one that hangs or has ended."""
        self.sessions[setting].close()
        self.sessions[setting] = self.begin(setting)
        if setting in self.down or not self.is_up(setting):
            self.down.add(setting)

    def stop(self, setting: str) -> None:
        """Shut the app down, and collect what its shutdown functions do."""
        if setting in self.down:
            return
        session, where = self.sessions[setting], f"{setting}, at its end"
        try:
            self.collect(session.stop(), where)
        except (HungError, GoneError) as error:
            self.blame(session, error, where, None)

    def finished(self, part: Tally) -> PartReport:
        report = part.finish()
        if not report.runs and not report.findings:
            report.reason = part.unreached or "no probe has led to it, which is for other routes or events"
        return report


def _holds(body: bytes, tag: str) -> bool:
    try:
        return bool(json.loads(body)["cell"] == tag)
    except (ValueError, LookupError, TypeError):
        return False


_ENOUGH: Final = 5  # calls after which it is told whether something piles up
_MOST: Final = 0.7  # of it, a call
_NOBODY: Final = Tally(PartReport("", "lifecycle"))
_WRONG_TARGETS: Final = (
    errors.TargetError,
    errors.UnknownExtensionError,
    errors.BlockedExtensionError,
    errors.DuplicateProviderError,
    errors.OptionsError,
)
