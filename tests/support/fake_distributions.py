"""Distributions that are installed as far as `importlib.metadata` and `import` can tell."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from textwrap import dedent

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: About {name}\n"


class Site:
    """A folder on `sys.path`, as `site-packages` is one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def module(self, name: str, code: str) -> None:
        """Write a module."""
        path = self.folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(code))
        importlib.invalidate_caches()

    def distribution(
        self,
        name: str,
        version: str = "1.0",
        *,
        extensions: dict[str, str] | None = None,
        hooks: dict[str, str] | None = None,
        metadata: str | bytes | None = METADATA,
        entry_points: str | bytes | None = None,
    ) -> None:
        """Write the metadata of a distribution; `extensions` and `hooks` are its entry points."""
        if entry_points is None:
            groups = {"socketify_ext": extensions or {}, "socketify_ext.hooks": hooks or {}}
            lines = []
            for group, points in groups.items():
                lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
            entry_points = "\n".join(lines) + "\n"
        if isinstance(metadata, str):
            metadata = metadata.format(name=name, version=version)
        folder = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_bytes(
            entry_points.encode() if isinstance(entry_points, str) else entry_points
        )
        if metadata is not None:
            (folder / "METADATA").write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)
        importlib.invalidate_caches()

    def forget(self) -> None:
        """Drop the modules that were imported from here."""
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                del sys.modules[name]
