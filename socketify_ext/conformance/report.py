"""What a check has found, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

# kind of finding -> what it means, and what to do
KINDS: Final[dict[str, tuple[str, str]]] = {
    "register": ("The extension can't be registered, or its start-up fails.", "Correct what the message names."),
    "leaks": (
        "What one request or socket brought is there for the next one.",
        "Keep it on `self`, or in a property with a `default_factory` that makes a new value each time.",
    ),
    "blocks": (
        "A step of the member holds the event loop for more than 50 ms, for all clients.",
        "Await it, or run it with `asyncio.to_thread`.",
    ),
    "late-read": (
        "The member reads a request after its handler has returned.",
        "Read before the work begins, and hand on what was read; or call `self.preserve()` first.",
    ),
    "answer": (
        "The member answers with an object that can't be serialised.",
        "Turn it into plain values first, or use the built-in `json`.",
    ),
    "differs": (
        "The member works in some places of the matrix and raises in others.",
        "See the place and the error; most often it needs what only a handler of another style has.",
    ),
    "raises": ("The member raises wherever it is called.", "Raise `HTTPError` for what a client did wrong."),
    "logged": (
        "The runtime had to refuse or log something, such as a second answer or an error in a background task.",
        "See the message.",
    ),
    "hangs": ("The member does not come to an end, or never answers.", "Await with a limit, and answer on every path."),
    "crashes": ("The server's process has ended.", "Raise errors; never end the process from a member."),
    "types": ("A parameter, a result or a property has no annotation.", "Annotate it: `socketify-ext stubs` reads it."),
    "docs": ("The extension or a method has no docstring.", "Say in one line what it does."),
}


@dataclass(frozen=True)
class Finding:
    """One defect: its kind, where in the matrix it was seen first, what was seen, and the line that it came from."""

    kind: str
    problem: str
    where: str = ""
    place: str = ""


@dataclass
class Cost:
    """What one call takes: nanoseconds (median), and bytes allocated at its peak; the network is not in it."""

    nanoseconds: int
    bytes: int


@dataclass
class MemberReport:
    """What was found out about one member.

    `call` is how it was called, `reason` why it was not; `runs` counts the calls that were observed.
    """

    name: str
    kind: str
    signature: str
    place: str
    call: str = ""
    reason: str = ""
    runs: int = 0
    cost: Cost | None = None
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Add a finding, once for each kind: the first place tells enough."""
        if all(finding.kind != each.kind for each in self.findings):
            self.findings.append(finding)

    @property
    def status(self) -> str:
        """Give "failed", "skipped" where it was not exercised, or "passed"."""
        if self.findings:
            return "failed"
        return "skipped" if self.reason else "passed"


@dataclass
class Report:
    """What was found out about one target.

    `settings` holds the kinds of apps that it ran on, `skipped` those that it did not run on and why. `reason` says
    why nothing could be run at all, where that is no defect.
    """

    target: str
    settings: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    findings: list[Finding] = field(default_factory=list)
    members: list[MemberReport] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings and all(not member.findings for member in self.members)

    def without(self, kinds: set[str]) -> Report:
        """Leave out findings of these kinds."""
        self.findings = [finding for finding in self.findings if finding.kind not in kinds]
        for member in self.members:
            member.findings = [finding for finding in member.findings if finding.kind not in kinds]
        return self

    def as_data(self) -> dict[str, Any]:
        """Give it as what JSON can carry."""
        data = asdict(self)
        for member, record in zip(self.members, data["members"], strict=True):
            record["status"] = member.status
        return {**data, "passed": self.passed}
