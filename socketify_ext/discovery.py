"""Entry points to candidates, read from metadata alone: nothing of a plugin is imported here."""

from __future__ import annotations

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

_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(:\s*(?P<attribute>[\w.]+)\s*)?((?P<extras>\[.*\])\s*)?$")

Status = Literal["ok", "broken", "blocked", "duplicate", "shadowed"]


@dataclass(frozen=True)
class Candidate:
    """One entry point with the distribution that it belongs to."""

    name: str
    value: str
    distribution: str
    version: str
    summary: str

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
        match = _VALUE.fullmatch(self.value)
        if match is None:
            return f"entry point {self.value!r} is not of the form module:attribute"
        module = match["module"]
        return "" if _is_findable(module) else f"module {module!r} is not there"

    def load(self) -> Any:
        """Import the entry point's object; raises whatever the import raises."""
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
    return spec is not None


def canonical(distribution: str) -> str:
    """Normalise a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def candidates(group: str = GROUP) -> Iterator[Candidate]:
    """List the group's entry points on `sys.path`, each distribution's first copy only."""
    for entry_point in importlib.metadata.entry_points(group=group):
        distribution = entry_point.dist
        if distribution is None:
            continue
        metadata = distribution.metadata
        yield Candidate(
            name=entry_point.name,
            value=entry_point.value,
            distribution=canonical(metadata["Name"] or "unknown"),
            version=metadata["Version"] or "unknown",
            summary=metadata["Summary"] or "",
        )


def disabled_names(variable: str) -> tuple[str, ...]:
    """Split the value of SOCKETIFY_EXT_DISABLE: names, or `distribution:name`, with commas between."""
    return tuple(name.strip() for name in variable.split(",") if name.strip())


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
