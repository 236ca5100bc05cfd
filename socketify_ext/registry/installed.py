"""The distributions that are installed, of each the one metadata folder that counts, whatever else lies beside it.

The folders are read without `importlib.metadata`, whose import takes longer than reading those of 300 distributions. It
reads what is in no plain folder: archives, and what the finders of other programs know.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from importlib.metadata import Distribution

UNKNOWN: Final = "unknown"
_SEPARATORS: Final = re.compile(r"[-_.]+")
_SUFFIXES: Final = (".dist-info", ".egg-info")
_FIELDS: Final = ("name", "version", "summary")


@dataclass(frozen=True)
class Installed:
    """One metadata folder of a distribution; its name and version are those of the folder, or else of its METADATA.

    `read` returns the text of a file in it, "" where it has none or none in UTF-8.
    """

    name: str
    version: str
    folder: str
    read: Callable[[str], str] = field(repr=False, compare=False)

    @property
    def is_leftover(self) -> bool:
        """Whether pip has left the folder behind, as `~ame-1.0.dist-info`, when it was interrupted."""
        return not self.name[:1].isalnum()  # as every distribution's name begins (PEP 508)

    @functools.cached_property
    def entry_points(self) -> str:
        """Return the text of its entry points."""
        return self.read("entry_points.txt")

    @functools.cached_property
    def described(self) -> tuple[str, str, str]:
        """Return the name, version and summary in its METADATA; "" for parts that are missing."""
        return _described(self.read)


def canonical(distribution: str) -> str:
    """Normalise a distribution's name (PEP 503)."""
    return _SEPARATORS.sub("-", distribution).lower()


def installed() -> tuple[list[Installed], list[Installed]]:
    """Look at all metadata folders on `sys.path`.

    Returns:
        The distributions, of each the first on the path and in one folder the latest version; and the metadata folders
        beside these that do not count, such as what an interrupted pip has left.
    """
    chosen: dict[str, Installed] = {}
    passed: list[Installed] = []
    for each in _found():
        if each.is_leftover:
            passed.append(each)
            continue
        name = canonical(each.name)
        earlier = chosen.setdefault(name, each)
        if earlier is not each and os.path.dirname(earlier.folder) == os.path.dirname(each.folder):  # noqa: PTH120 - of 300
            chosen[name], other = sorted((earlier, each), key=_rank, reverse=True)
            passed.append(other)
    return list(chosen.values()), passed


def _found() -> Iterator[Installed]:
    """Yield each metadata folder once, in the order in which an import would look."""
    seen: set[str] = set()
    for entry in sys.path:
        for each in _found_in(os.path.abspath(entry)):  # noqa: PTH100 - Path takes longer
            if each.folder not in seen:
                seen.add(each.folder)
                yield each
    for finder in sys.meta_path:
        if finder is not PathFinder and hasattr(finder, "find_distributions"):
            for each in _found_by(finder):
                if each.folder not in seen or not each.folder:
                    seen.add(each.folder)
                    yield each


def _found_in(entry: str) -> Iterator[Installed]:
    try:
        names = os.listdir(entry)  # noqa: PTH208 - as above
    except OSError:
        if os.path.isfile(entry):  # noqa: PTH113 - as above
            yield from _found_in_archive(entry)
        return
    is_egg = entry.lower().endswith(".egg")
    for name in names:
        if name.lower().endswith(_SUFFIXES) or (is_egg and name.lower() == "egg-info"):
            folder = f"{entry}{os.sep}{name}"
            yield _installed(folder, functools.partial(_read_file, folder))


def _found_in_archive(archive: str) -> Iterator[Installed]:
    from importlib.metadata import DistributionFinder, MetadataPathFinder

    for distribution in MetadataPathFinder.find_distributions(DistributionFinder.Context(path=[archive])):
        yield _installed(_folder_of(distribution), functools.partial(_read_text, distribution))


def _found_by(finder: Any) -> list[Installed]:
    """Return what the finder of another program knows; nothing where it fails."""
    from importlib.metadata import DistributionFinder

    try:
        found = list(finder.find_distributions(DistributionFinder.Context()))
    except Exception:
        return []
    return [_installed(_folder_of(each), functools.partial(_read_text, each)) for each in found]


def _folder_of(distribution: Distribution) -> str:
    return str(getattr(distribution, "_path", ""))


def _installed(folder: str, read: Callable[[str], str]) -> Installed:
    stem, _, suffix = folder.rpartition(os.sep)[2].rpartition(".")
    name, _, rest = stem.partition("-")
    version = rest.partition("-")[0]
    if f".{suffix.lower()}" not in _SUFFIXES:  # an egg's, or unknown
        name, version, _ = _described(read)
    return Installed(name, version, folder, read)


def _read_file(folder: str, name: str) -> str:
    try:
        with open(f"{folder}{os.sep}{name}", "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return file.read().decode()
    except (OSError, ValueError):  # ValueError: it is not UTF-8
        return ""


def _read_text(distribution: Distribution, name: str) -> str:
    try:
        return distribution.read_text(name) or ""
    except (OSError, ValueError):
        return ""


def _rank(each: Installed) -> tuple[bool, object]:
    """Order the folders of one distribution: with METADATA before without, then by version."""
    from packaging.version import InvalidVersion, Version

    name, version, _ = each.described
    try:
        parsed = Version(version or each.version)
    except InvalidVersion:
        parsed = Version("0")
    return bool(name), parsed


def _described(read: Callable[[str], str]) -> tuple[str, str, str]:
    head = (read("METADATA") or read("PKG-INFO")).partition("\n\n")[0]
    found: dict[str, str] = {}
    name = ""
    for line in head.split("\n"):
        if line.startswith((" ", "\t")):  # it goes on with the field before
            if name in _FIELDS:
                found[name] += f"\n{line.rstrip()}"
            continue
        name, _, value = line.partition(":")
        name = name.lower()
        if name in _FIELDS:
            found[name] = value.strip()
    return found.get("name", ""), found.get("version", ""), found.get("summary", "")
