"""The findings of a check, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

# kind of finding -> what it means, and what to do
KINDS: Final[dict[str, tuple[str, str]]] = {
    "register": ("The extension can't be registered, or its start-up fails.", "Correct what the message names."),
    "leaks": (
        "Data of one request or socket is visible to the next one.",
        "Keep it on `self`, or in a property with a `default_factory` that makes a new value each time.",
    ),
    "blocks": (
        "A step of the member holds the event loop for more than 50 ms, for all clients.",
        "Await it, or run it with `asyncio.to_thread`.",
    ),
    "late-read": (
        "The member reads a request after its handler has returned.",
        "Read before the work begins and pass the values on; or call `self.preserve()` first.",
    ),
    "answer": (
        "The member answers with an object that can't be serialised.",
        "Turn it into plain values first, or use the built-in `json`.",
    ),
    "differs": (
        "The member works in some places of the matrix and raises in others.",
        "See the place and the error; most often it needs something that only another style of handler has.",
    ),
    "raises": ("The member raises wherever it is called.", "Raise `HTTPError` for what a client did wrong."),
    "logged": (
        "The runtime had to refuse or log something, such as a second answer or an error in a background task.",
        "See the message.",
    ),
    "hangs": ("The member does not end, or never answers.", "Await with a time limit, and answer on every path."),
    "crashes": ("The server's process has ended.", "Raise errors; never end the process from a member."),
    "types": ("A parameter, a result or a property has no annotation.", "Annotate it: `socketify-ext stubs` reads it."),
    "docs": ("The extension or a method has no docstring.", "Describe it in one line."),
}


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
class MemberReport:
    """The result for one member.

    `call` is how it was called, `reason` why it was not; `runs` counts the observed calls.
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
        """Add a finding, only the first of each kind."""
        if all(finding.kind != each.kind for each in self.findings):
            self.findings.append(finding)

    @property
    def status(self) -> str:
        """Return "failed", "skipped" or "passed"."""
        if self.findings:
            return "failed"
        return "skipped" if self.reason else "passed"


@dataclass
class Report:
    """The result for one target.

    `settings` are the kinds of apps that it ran on, `skipped` the others with the reasons. `reason` says
    why nothing was run, where that is not a defect.
    """

    target: str
    settings: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    findings: list[Finding] = field(default_factory=list)
    members: list[MemberReport] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there are no findings."""
        return not self.findings and all(not member.findings for member in self.members)

    def without(self, kinds: set[str]) -> Report:
        """Return the report without findings of these kinds."""
        self.findings = [finding for finding in self.findings if finding.kind not in kinds]
        for member in self.members:
            member.findings = [finding for finding in member.findings if finding.kind not in kinds]
        return self

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        data = asdict(self)
        for member, record in zip(self.members, data["members"], strict=True):
            record["status"] = member.status
        return {**data, "passed": self.passed}
