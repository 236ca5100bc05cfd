"""Entry points to candidates, read from metadata alone: nothing of a plugin is imported here."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

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
    problem: str = ""  # why its metadata can't be read

    @property
    def source(self) -> Literal["builtin", "plugin"]:
        """Tell built-ins from plugins."""
        return "builtin" if self.distribution == OWN_DISTRIBUTION else "plugin"

    @property
    def qualified_name(self) -> str:
        """Give the name that picks this one among several: `distribution:name`."""
        return f"{self.distribution}:{self.name}"

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def defect(self) -> str:
        """Say what is wrong with the entry point as far as can be told without an import; "" if nothing is."""
        if self._malformed:
            return self._malformed
        module, colon, _ = self.value.partition(":")
        if not colon:
            return f"entry point {self.value!r} names no attribute of a module"
        return "" if _is_findable(module.strip()) else f"module {module.strip()!r} is not there"

    @property
    def _malformed(self) -> str:
        if self.problem or _VALUE.fullmatch(self.value):
            return self.problem
        return f"entry point {self.value!r} is not of the form module:attribute"

    def load(self) -> Any:
        """Import the entry point's object; raises whatever the import raises."""
        if self._malformed:
            raise ImportError(self._malformed)
        return importlib.metadata.EntryPoint(self.name, self.value, GROUP).load()


def _is_findable(module: str) -> bool:
    """Look for a module without importing its parents, which `importlib.util.find_spec` would."""
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
    except KeyError:  # a namespace package in another one: it asks for its parent, which only an import would make
        return True
    return spec is not None


def canonical(distribution: str) -> str:
    """Normalise a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def candidates(group: str = GROUP) -> Iterator[Candidate]:
    """List the group's entry points on `sys.path`, each distribution's first copy only."""
    try:
        points = importlib.metadata.entry_points(group=group)
    except Exception:  # one distribution that can't be read, of all that are installed
        yield from _candidates_one_by_one(group)
        return
    for point in points:
        if point.dist is not None:
            yield Candidate(point.name, point.value, *_described(point.dist))


def _candidates_one_by_one(group: str) -> Iterator[Candidate]:
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
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


def _described(distribution: importlib.metadata.Distribution) -> tuple[str, str, str]:
    """Give the name, version and summary; "unknown" for what is missing or can't be read."""
    try:
        metadata = distribution.metadata
    except UnicodeDecodeError:
        return _UNKNOWN, _UNKNOWN, ""
    # The protocol of metadata has no `get`, and asking for what is missing is deprecated from Python 3.12 on.
    name, version, summary = (
        metadata[key] if key in metadata else ""  # noqa: SIM401
        for key in ("Name", "Version", "Summary")
    )
    return canonical(name or _UNKNOWN), version or _UNKNOWN, summary


def disabled_names(variable: str) -> tuple[str, ...]:
    """Split the value of SOCKETIFY_EXT_DISABLE: names, or `distribution:name`, with commas between."""
    return tuple(normal(name.strip()) for name in variable.split(",") if name.strip())


def normal(name: str) -> str:
    """Normalise the distribution in `distribution:name`."""
    distribution, colon, bare = name.rpartition(":")
    return f"{canonical(distribution)}{colon}{bare}"


@dataclass(frozen=True)
class Listing:
    """What `socketify-ext list` shows of one extension."""

    name: str
    version: str | None
    distribution: str | None
    source: str
    status: Status
    summary: str
    error: str | None = None


def winner(found: Iterable[Candidate]) -> Candidate | None:
    """Pick the provider that a bare name means: the built-in, or the only one; None where there are several."""
    providers = list(found)
    for candidate in providers:
        if candidate.source == "builtin":
            return candidate
    return providers[0] if len(providers) == 1 else None
