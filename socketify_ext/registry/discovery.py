"""Read candidates from the metadata of entry points, without importing any plugin."""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .. import __version__
from .installed import UNKNOWN, Installed, canonical, installed
from .modules import find_module, is_missing, read_beside

GROUP: Final = "socketify_ext"
HOOK_GROUP: Final = "socketify_ext.hooks"
OWN_DISTRIBUTION: Final = "socketify-ext"
_BUILT_IN: Final = "socketify_ext.builtin"

_VALUE = re.compile(r"[\w.]+\s*(:\s*[\w.]+\s*)?(\[.*\]\s*)?")

Status = Literal["ok", "broken", "blocked", "duplicate", "shadowed"]
Kind = Literal["extension", "hooks"]


@dataclass(frozen=True)
class Candidate:
    """One entry point with the distribution that it belongs to."""

    name: str
    value: str
    distribution: str
    version: str
    summary: str
    problem: str = ""  # the reason why its metadata can't be read
    installed: Installed | None = field(default=None, repr=False, compare=False)

    @property
    def source(self) -> Literal["builtin", "plugin"]:
        """Return the kind of the provider."""
        return "builtin" if self.distribution == OWN_DISTRIBUTION else "plugin"

    @property
    def qualified_name(self) -> str:
        """Return the name that is unique among several providers: `distribution:name`."""
        return f"{self.distribution}:{self.name}"

    @property
    def module(self) -> str:
        """Return the name of the module that holds it."""
        return self.value.partition(":")[0].strip()

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def defect(self, *, is_attribute: bool = True) -> str:
        """Return the defect of the entry point that shows without an import, or "".

        Args:
            is_attribute: whether it must name an attribute of a module, as an extension does.
        """
        if self._malformed:
            return self._malformed
        if is_attribute and ":" not in self.value:
            return f"entry point {self.value!r} names no attribute of a module"
        if self._is_beside_metadata() or not is_missing(self.module):
            return ""
        return f"module {self.module!r} does not exist"

    def _is_beside_metadata(self) -> bool:
        """Whether the module lies where a wheel puts it, which takes a tenth of the time to see."""
        if self.installed is None:
            return False
        root = self.installed.folder.rpartition(os.sep)[0]
        path = f"{root}{os.sep}{self.module.replace('.', os.sep)}"
        return os.path.isfile(f"{path}.py") or os.path.isfile(f"{path}{os.sep}__init__.py")  # noqa: PTH113 - of 300

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


def candidates(group: str = GROUP, found: Iterable[Installed] | None = None) -> Iterator[Candidate]:
    """List the built-ins, and the group's entry points of what is installed, or of the distributions `found`."""
    if group == GROUP:
        yield from built_ins()
    for each in installed()[0] if found is None else found:
        if f"[{group}]" in each.entry_points:
            yield from _candidates_of(each, group)


def built_ins() -> Iterator[Candidate]:
    """List the extensions of this package: they are there whatever its metadata says, if there is any."""
    package = find_module(_BUILT_IN)
    for each in pkgutil.iter_modules(package.submodule_search_locations if package else (), f"{_BUILT_IN}."):
        if each.ispkg:
            name = each.name.rpartition(".")[2]
            yield Candidate(name, f"{each.name}:{name}", OWN_DISTRIBUTION, __version__, _built_in_summary(each.name))


def _candidates_of(each: Installed, group: str) -> Iterator[Candidate]:
    named, version, summary = each.described
    distribution, version = canonical(named or each.name), version or each.version or UNKNOWN
    if distribution == OWN_DISTRIBUTION:  # an older one of ours, or one that calls itself that
        return
    values, unreadable = _parsed(each.entry_points, group)
    for name, found in values.items():
        problem = f"its entry_points.txt has it several times: {' and '.join(found)}" if len(found) > 1 else ""
        yield Candidate(name, found[0], distribution, version, summary, problem, each)
    for line in unreadable:
        problem = f"its entry_points.txt can't be read: {line!r} is not of the form name = module:attribute"
        yield Candidate(distribution, "", distribution, version, summary, problem, each)


def _parsed(text: str, wanted: str) -> tuple[dict[str, list[str]], list[str]]:
    """Read one group of an entry_points.txt.

    Returns:
        The different values by name, and the lines that can't be read. Other groups are others' business: that of a
        whole file, as `importlib.metadata` reads it, ends with the first malformed line of any of them.
    """
    values: dict[str, list[str]] = {}
    unreadable: list[str] = []
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1]
        elif group == wanted and line and not line.startswith(("#", ";")):
            name, equals, value = (part.strip() for part in line.partition("="))
            if not (name and equals):
                unreadable.append(line)
            elif value not in values.setdefault(name, []):
                values[name].append(value)
    return values, unreadable


def _built_in_summary(module: str) -> str:
    """Read the first line of a built-in's module, as in `cart`: a list for each request."""
    source = read_beside(module, "__init__.py") or b""  # a frozen program has none
    text = source.decode().partition("\n")[0].strip().strip('"').partition(": ")[2]
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
    """The row of one extension, or of a plugin's hooks, in `socketify-ext list`."""

    name: str
    version: str | None
    distribution: str | None
    source: str
    status: Status
    summary: str
    error: str | None = None
    kind: Kind = "extension"


def winner(found: Iterable[Candidate]) -> Candidate | None:
    """Return the provider that a bare name means: the built-in, or the only one; None for several."""
    providers = list(found)
    for candidate in providers:
        if candidate.source == "builtin":
            return candidate
    return providers[0] if len(providers) == 1 else None
