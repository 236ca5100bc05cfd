"""The distributions that are installed, of each the one metadata folder that counts, whatever else lies beside it."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from typing import Final

UNKNOWN: Final = "unknown"
_NAME: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE)  # of a distribution (PEP 508)
_SUFFIXES: Final = (".dist-info", ".egg-info")


@dataclass(frozen=True)
class Installed:
    """One metadata folder of a distribution; its name and version are those of the folder, or else of its METADATA."""

    distribution: Distribution
    name: str
    version: str
    folder: str

    @property
    def is_leftover(self) -> bool:
        """Whether pip has left the folder behind, as `~ame-1.0.dist-info`, when it was interrupted."""
        return _NAME.fullmatch(self.name) is None

    @functools.cached_property
    def entry_points(self) -> str:
        """Return the text of its entry points; "" for none, and where it can't be read."""
        try:
            return self.distribution.read_text("entry_points.txt") or ""
        except (OSError, ValueError):  # ValueError: it is not UTF-8
            return ""

    @functools.cached_property
    def described(self) -> tuple[str, str, str]:
        """Return the name, version and summary in its METADATA; "" for parts that are missing."""
        return _described(self.distribution)

    @property
    def is_editable(self) -> bool:
        """Whether it runs from its source, which may change at any time (PEP 610)."""
        import json

        if not self.folder.endswith(".dist-info"):
            return True
        try:
            origin = json.loads(self.distribution.read_text("direct_url.json") or "{}")
            return bool(origin.get("dir_info", {}).get("editable"))
        except (ValueError, AttributeError, OSError):
            return False


def canonical(distribution: str) -> str:
    """Normalise a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


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
        if earlier is each or os.path.dirname(earlier.folder) != os.path.dirname(each.folder):  # noqa: PTH120 - of 300
            continue
        if earlier.folder == each.folder:  # a folder that is on the path twice
            continue
        chosen[name], other = sorted((earlier, each), key=_rank, reverse=True)
        passed.append(other)
    return list(chosen.values()), passed


def _found() -> Iterator[Installed]:
    for distribution in distributions():
        folder = str(getattr(distribution, "_path", ""))
        stem, suffix = os.path.splitext(os.path.basename(folder))  # noqa: PTH119, PTH122 - Path takes longer
        name, _, rest = stem.partition("-")
        if suffix in _SUFFIXES and name:
            yield Installed(distribution, name, rest.partition("-")[0], folder)
        else:  # an egg, or the finder of another program
            name, version, _ = _described(distribution)
            if name:
                yield Installed(distribution, name, version, folder)


def _rank(each: Installed) -> tuple[bool, object]:
    """Order the folders of one distribution: with METADATA before without, then by version."""
    from packaging.version import InvalidVersion, Version

    name, version, _ = each.described
    try:
        parsed = Version(version or each.version)
    except InvalidVersion:
        parsed = Version("0")
    return bool(name), parsed


def _described(distribution: Distribution) -> tuple[str, str, str]:
    from email.parser import HeaderParser

    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, ValueError):
        return "", "", ""
    # Not `distribution.metadata`, which parses the long description too.
    head = HeaderParser().parsestr(text.partition("\n\n")[0])
    return head.get("Name", ""), head.get("Version", ""), head.get("Summary", "")
