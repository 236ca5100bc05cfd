"""Small wheels, made by hand in milliseconds, and installed as pip installs them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from textwrap import dedent

WHEEL = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: About {name}\n"


class SmallWheel:
    """A wheel of a few files; `files` are its texts by path, `points` its entry points by group."""

    def __init__(
        self, name: str, version: str = "1.0", files: dict[str, str] | None = None, **points: dict[str, str]
    ) -> None:
        self.name, self.version = name, version
        self.info = f"{name.replace('-', '_')}-{version}.dist-info"
        groups = {group.replace("_hooks", ".hooks"): values for group, values in points.items()}
        lines = [
            line
            for group, values in groups.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in values.items()))
        ]
        self.files = {path: dedent(text) for path, text in (files or {}).items()}
        self.files |= {
            f"{self.info}/METADATA": METADATA.format(name=name, version=version),
            f"{self.info}/WHEEL": WHEEL,
            f"{self.info}/entry_points.txt": "\n".join(lines) + "\n",
        }

    def write(self, folder: Path) -> Path:
        """Write the wheel's file into a folder, and return its path."""
        path = folder / f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"
        rows = [f"{name},sha256={digest(text)},{len(text.encode())}" for name, text in self.files.items()]
        record = f"{self.info}/RECORD"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in self.files.items():
                wheel.writestr(name, text)
            wheel.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")
        return path

    def unpack(self, folder: Path) -> None:
        """Install the wheel's files into a folder, as pip does."""
        for name, text in {**self.files, f"{self.info}/INSTALLER": "pip\n", f"{self.info}/RECORD": ""}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def digest(text: str) -> str:
    """Return the hash of a file's text as RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
