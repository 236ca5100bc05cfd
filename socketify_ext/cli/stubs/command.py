"""`socketify-ext stubs TARGET`: types of what extensions add, for type checkers and editors."""

from __future__ import annotations

import ast
import contextlib
import difflib
import os
import stat
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...inspection.query import TIME_LIMIT
from ..described import described_app
from ..generated_file import Force, GeneratedFile
from ..option_values import OptionValues
from ..output import echo, echo_code, warn
from ..target import Target, Timeout

StubFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="The module to write; standard output by default.")
]


def write_stubs(
    target: Target,
    options: OptionValues = None,
    output: StubFile = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 and a diff if FILE is out of date.")
    ] = False,
    force: Force = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Write a module with the types of Request, Response, WebSocket and App that the target's extensions make."""
    from .module import StubModule, is_stub_module

    if check and output is None:
        raise typer.BadParameter("--check needs -o FILE to compare with", param_hint="--check")
    if output is not None:
        _check_name(output)
        file = GeneratedFile(output, "stub file", is_stub_module, force=force)
        if not check:
            file.check()
    described = described_app(target, timeout, options, whole=True, stub=_stub(output, force=force))
    module = StubModule(described)
    text = module.text()
    for problem in module.problems:
        warn("warning", problem)
    if output is None:
        echo_code(text)
    elif check:
        _compare(target, output, text)
    else:
        file.write(text)


def _stub(output: Path | None, *, force: bool) -> dict[str, Any] | None:
    """Return what the target may import before it is written: FILE, or the file that standard output goes to."""
    from .module import home_of, is_stub_module

    if output is None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found = os.fstat(sys.stdout.fileno())
            if stat.S_ISREG(found.st_mode):
                return {"path": None, "inode": [found.st_dev, found.st_ino], "home": home_of(b"")}
        return None
    try:
        content = output.read_bytes()
    except OSError:
        content = b""
    is_own = force or not content.strip() or is_stub_module(content)
    return {"path": str(output.absolute()), "inode": None, "home": home_of(content)} if is_own else None


def _check_name(path: Path) -> None:
    """Check that Python would not import the file instead of a standard module."""
    from socketify_ext.errors import GeneratedFileError

    if path.stem in sys.stdlib_module_names:
        raise GeneratedFileError(
            f"stub file {str(path)!r}",
            "can't be written",
            f"it would hide Python's own module {path.stem!r}",
            f"Name it app_{path.name}",
            path=str(path),
        )


def _compare(target: str, output: Path, text: str) -> None:
    """Check that the file has the same code, in any format."""
    from socketify_ext.errors import GeneratedFileError

    try:
        written = output.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        written, why = "", f"it can't be read ({error.strerror})"
    else:
        if _is_same(written, text):
            return
        why = f"{target} has changed"
    for line in difflib.unified_diff(written.splitlines(), text.splitlines(), str(output), "now", lineterm=""):
        echo(line)
    raise GeneratedFileError(
        f"stub file {str(output)!r}",
        "is out of date",
        why,
        f"Write it again: socketify-ext stubs {target} -o {output}",
        path=str(output),
    )


def _is_same(first: str, second: str) -> bool:
    try:
        return ast.dump(ast.parse(first)) == ast.dump(ast.parse(second))
    except (SyntaxError, ValueError):
        return False
