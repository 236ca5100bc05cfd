"""The result of a check, as plain data: findings, parts and the grade."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

# kind of finding -> what it means, and what to do
KINDS: Final[dict[str, tuple[str, str]]] = {
    "register": ("The extension can't be registered, or its start-up fails.", "Correct what the message names."),
    "leaks": (
        "Data of one request or socket is visible to the next one.",
        "Keep it on `self`, or in a property with a `default_factory` that makes a new value each time.",
    ),
    "blocks": (
        "A step holds the event loop for more than 50 ms, for all clients.",
        "Await it, or run it with `asyncio.to_thread`.",
    ),
    "slow": (
        "A hook holds each request or message up for more than 1 s, without blocking others.",
        "Do it after the answer, in `after_response` or a task, or give it a time limit.",
    ),
    "late-read": (
        "A request is read after its handler has returned.",
        "Read before the work begins and pass the values on; or call `self.preserve()` first.",
    ),
    "answer": (
        "An answer is an object that can't be serialised.",
        "Turn it into plain values first, or use the built-in `json`.",
    ),
    "differs": (
        "A member works in some places of the matrix and raises in others.",
        "See the place and the error; most often it needs something that only another style of handler has.",
    ),
    "raises": ("A part raises what is no answer to a client.", "Raise `HTTPError` for what a client did wrong."),
    "logged": (
        "The runtime had to refuse or log something, such as a second answer or an error in a background task; or something else was logged with its traceback.",
        "See the message.",
    ),
    "hangs": ("A part does not end, or never answers.", "Await with a time limit, and answer on every path."),
    "crashes": ("The server's process has ended.", "Raise errors; never end the process."),
    "piles-up": (
        "Threads, tasks or open files remain of calls that have ended.",
        "End them with the request, or start one for all in `on_startup`.",
    ),
    "patches": (
        "A function of the core, of this package or of Python is replaced for the whole process.",
        "Add a member, a hook or an override: others rely on what is there.",
    ),
    "options": (
        "An option's default does not fit its type, or a value that its type allows is an error of another kind than `OptionsError`.",
        "Declare the type that fits, and check values in a validator of the model.",
    ),
    "types": ("A parameter, a result or a property has no annotation.", "Annotate it: `socketify-ext stubs` reads it."),
    "docs": ("The extension or a method has no docstring.", "Describe it in one line."),
}

LEVELS: Final = ("bronze", "silver", "gold", "platinum")
Status = Literal["passed", "failed", "skipped"]
PartKind = Literal[
    "method",
    "property",
    "hook",
    "route",
    "event",
    "route option",
    "lifecycle",
    "serializer",
    "backplane",
    "option",
]


@dataclass(frozen=True)
class Finding:
    """One defect: its kind, the problem, where in the matrix it was seen first, and the line of code."""

    kind: str
    problem: str
    where: str = ""
    place: str = ""


@dataclass
class Cost:
    """The cost of one call: nanoseconds (median), and peak allocated bytes, without the network."""

    nanoseconds: int
    bytes: int


@dataclass
class PartReport:
    """The result for one part of an extension: a member, a hook, a route, a function of its start, an option.

    `call` is how it was called, `reason` why it was not; `runs` counts the observed calls, `refused` those of them that
    ended with an answer to what the client did wrong. `limits` are places that the core makes impossible, each with the
    error that says so.
    """

    name: str
    kind: PartKind
    signature: str = ""
    place: str = ""
    call: str = ""
    reason: str = ""
    runs: int = 0
    refused: int = 0
    cost: Cost | None = None
    limits: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Add a finding, only the first of each kind."""
        if all(finding.kind != each.kind for each in self.findings):
            self.findings.append(finding)

    @property
    def status(self) -> Status:
        """Return the result."""
        if self.findings:
            return "failed"
        return "skipped" if self.reason else "passed"


@dataclass(frozen=True)
class Rule:
    """One rule of the grade: the level that asks for it, and what is missing, nothing where it is met."""

    name: str
    level: str
    missing: list[str]


@dataclass(frozen=True)
class Grade:
    """The grade of an extension: its level, None below the first one, and all rules."""

    level: str | None
    rules: list[Rule]

    def reaches(self, level: str) -> bool:
        """Whether it is this level, or a higher one."""
        return self.level is not None and LEVELS.index(self.level) >= LEVELS.index(level)


@dataclass
class Report:
    """The result for one target.

    `settings` are the kinds of apps that it ran on, `skipped` the others with the reasons. `reason` says why nothing was
    run, where that is not a defect. `grade` is that of an extension; an app has none.
    """

    target: str
    settings: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    findings: list[Finding] = field(default_factory=list)
    parts: list[PartReport] = field(default_factory=list)
    grade: Grade | None = None

    @property
    def status(self) -> Status:
        """Return the result; where nothing was called, nothing has passed."""
        if self.findings or any(part.findings for part in self.parts):
            return "failed"
        return "passed" if any(part.runs for part in self.parts) else "skipped"

    @property
    def passed(self) -> bool:
        """Whether something was called, and nothing was found."""
        return self.status == "passed"

    def without(self, kinds: set[str]) -> Report:
        """Return the report without findings of these kinds; its grade goes on to count them."""
        self.findings = [finding for finding in self.findings if finding.kind not in kinds]
        for part in self.parts:
            part.findings = [finding for finding in part.findings if finding.kind not in kinds]
        return self

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        data = asdict(self)
        for part, record in zip(self.parts, data["parts"], strict=True):
            record["status"] = part.status
        return {**data, "status": self.status, "passed": self.passed}
