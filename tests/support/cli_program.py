"""The command line, in a folder with modules of its own: run in this process, or as users run it in one of its own."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from socketify_ext.cli import main

ROOT = Path(__file__).parents[2]
_HIDDEN = ("SOCKETIFY_EXT_DISABLE", "FORCE_COLOR", "PYTHONPATH")


class Program:
    """Run `socketify-ext` in a folder.

    Args:
        folder: the current one of the program.
        paths: further folders to import from, as `site-packages` is one.
    """

    def __init__(self, folder: Path, *paths: Path) -> None:
        self.folder = folder
        self.paths = [str(path) for path in paths]

    def write(self, name: str, code: str) -> Path:
        """Write a module."""
        path = self.folder / f"{name}.py"
        path.write_text(dedent(code))
        return path

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this process; what the processes that it starts print is not captured."""
        output, error = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with self._in_place(environment), contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
            sys.argv, sys.stdin = ["socketify-ext", *arguments], io.StringIO()
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        texts = [stream.buffer.getvalue().decode() for stream in (output, error)]
        return subprocess.CompletedProcess(arguments, code, *texts)

    def process(
        self, *arguments: str, python: tuple[str, ...] = (), stdout: int = subprocess.PIPE, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own."""
        return subprocess.run(
            [sys.executable, *python, "-m", "socketify_ext", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.variables(environment),
        )

    def variables(self, environment: dict[str, str]) -> dict[str, str]:
        """Return the environment of a process that runs a command."""
        inherited = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        path = os.pathsep.join([*self.paths, str(ROOT)])
        return {**inherited, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200", **environment}

    @contextlib.contextmanager
    def _in_place(self, environment: dict[str, str]) -> Iterator[None]:
        """Let this process look like one that was started in the folder, and restore all of it."""
        folder, variables, modules = Path.cwd(), dict(os.environ), set(sys.modules)
        kept = sys.argv, sys.stdin, sys.path
        own = (str(self.folder), *self.paths)
        os.chdir(self.folder)
        os.environ.update(self.variables(environment))
        for name in {*_HIDDEN} - {"PYTHONPATH", *environment}:
            os.environ.pop(name, None)
        sys.path = [*own, *sys.path]
        importlib.invalidate_caches()
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(variables)
            sys.argv, sys.stdin, sys.path = kept
            for name in set(sys.modules) - modules:
                if str(getattr(sys.modules[name], "__file__", None) or "").startswith(own):
                    del sys.modules[name]
