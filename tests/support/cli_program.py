"""The command line, run as users run it, in a folder with modules of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]


class Program:
    """Run `socketify-ext` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, code: str) -> Path:
        """Write a module."""
        path = self.folder / f"{name}.py"
        path.write_text(dedent(code))
        return path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        names = ("SOCKETIFY_EXT_DISABLE", "FORCE_COLOR")
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        return subprocess.run(
            [sys.executable, "-m", "socketify_ext", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"},
        )
