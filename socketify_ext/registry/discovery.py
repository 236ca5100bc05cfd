"""Read candidates from the metadata of entry points, without importing any plugin."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from importlib.metadata import Distribution

GROUP: Final = "socketify_ext"
HOOK_GROUP: Final = "socketify_ext.hooks"
OWN_DISTRIBUTION: Final = "socketify-ext"

_VALUE = re.compile(r"[\w.]+\s*(:\s*[\w.]+\s*)?(\[.*\]\s*)?")

_UNKNOWN: Final = "unknown"

Status = Literal["ok", "broken", "blocked", "duplicate", "shadowed"]


@dataclass(frozen=True)
class Candidate:
    """One entry point with the distribution that it belongs to."""

    name: str
    value: str
    distribution: str
    version: str
    summary: str
    problem: str = ""  # the reason why its metadata can't be read

    @property
    def source(self) -> Literal["builtin", "plugin"]:
        """Return the kind of the provider."""
        return "builtin" if self.distribution == OWN_DISTRIBUTION else "plugin"

    @property
    def qualified_name(self) -> str:
        """Return the name that is unique among several providers: `distribution:name`."""
        return f"{self.distribution}:{self.name}"

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def defect(self) -> str:
        """Return the defect of the entry point that shows without an import, or ""."""
        if self._malformed:
            return self._malformed
        module, colon, _ = self.value.partition(":")
        if not colon:
            return f"entry point {self.value!r} names no attribute of a module"
        return "" if _is_findable(module.strip()) else f"module {module.strip()!r} does not exist"

    @property
    def _malformed(self) -> str:
        if self.problem or _VALUE.fullmatch(self.value):
            return self.problem
        return f"entry point {self.value!r} is not of the form module:attribute"

    def load(self) -> Any:
        """Import the entry point's object; the errors of the import are raised."""
        if self._malformed:
            raise ImportError(self._malformed)
        from importlib.metadata import EntryPoint

        return EntryPoint(self.name, self.value, GROUP).load()


def _is_findable(module: str) -> bool:
    """Whether a module exists; its parents are not imported, as `importlib.util.find_spec` would."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
        name = top
        for part in rest:
            if spec is None or spec.submodule_search_locations is None:
                return False
            name = f"{name}.{part}"
            spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except (ImportError, ValueError):
        return False
    except KeyError:  # a namespace package in another one: its spec needs the parent's import
        return True
    return spec is not None


def canonical(distribution: str) -> str:
    """Normalise a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def candidates(group: str = GROUP) -> Iterator[Candidate]:
    """List the group's entry points on `sys.path`, each distribution's first copy only."""
    from importlib.metadata import entry_points

    try:
        points = entry_points(group=group)
    except Exception:  # one of the installed distributions can't be read
        yield from _candidates_one_by_one(group)
        return
    described: dict[int, tuple[str, str, str]] = {}
    for point in points:
        if point.dist is None:
            continue
        if id(point.dist) not in described:
            described[id(point.dist)] = _described(point.dist)
        distribution, version, summary = described[id(point.dist)]
        if distribution == OWN_DISTRIBUTION:
            summary = _built_in_summary(point.value) or summary
        yield Candidate(point.name, point.value, distribution, version, summary)


def _candidates_one_by_one(group: str) -> Iterator[Candidate]:
    from importlib.metadata import distributions

    seen: set[str] = set()
    for distribution in distributions():
        name, version, summary = _described(distribution)
        if name in seen:
            continue
        seen.add(name)
        try:
            for point in distribution.entry_points.select(group=group):
                yield Candidate(point.name, point.value, name, version, summary)
        except Exception as error:
            with contextlib.suppress(UnicodeDecodeError):
                if f"[{group}]" in (distribution.read_text("entry_points.txt") or ""):
                    problem = f"its entry_points.txt can't be read ({type(error).__name__}: {error})"
                    yield Candidate(name, "", name, version, summary, problem)


def _described(distribution: Distribution) -> tuple[str, str, str]:
    """Return the name, version and summary; "unknown" for parts that are missing or unreadable."""
    from email.parser import HeaderParser

    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except UnicodeDecodeError:
        return _UNKNOWN, _UNKNOWN, ""
    # Not `distribution.metadata`, which parses the long description too.
    head = HeaderParser().parsestr(text.partition("\n\n")[0])
    return canonical(head.get("Name", _UNKNOWN)), head.get("Version", _UNKNOWN), head.get("Summary", "")


def _built_in_summary(value: str) -> str:
    """Read the first line of a built-in's module, as in `cart`: a list for each request."""
    module = value.partition(":")[0].strip()
    path = Path(__file__).parents[1].joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    try:
        with path.open(encoding="utf-8") as source:
            first = source.readline()
    except OSError:
        return ""
    text = first.strip().strip('"').partition(": ")[2]
    return text[:1].upper() + text[1:]


def disabled_names(variable: str) -> tuple[str, ...]:
    """Split the value of SOCKETIFY_EXT_DISABLE: names, or `distribution:name`, with commas between."""
    return tuple(normal(name.strip()) for name in variable.split(",") if name.strip())


def normal(name: str) -> str:
    """Normalise the distribution in `distribution:name`."""
    distribution, colon, bare = name.rpartition(":")
    return f"{canonical(distribution)}{colon}{bare}"


@dataclass(frozen=True)
class Listing:
    """The row of one extension in `socketify-ext list`."""

    name: str
    version: str | None
    distribution: str | None
    source: str
    status: Status
    summary: str
    error: str | None = None


def winner(found: Iterable[Candidate]) -> Candidate | None:
    """Return the provider that a bare name means: the built-in, or the only one; None for several."""
    providers = list(found)
    for candidate in providers:
        if candidate.source == "builtin":
            return candidate
    return providers[0] if len(providers) == 1 else None
