"""Queries on a target, which a child process loads: its output, failures and delays stay there."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from socketify_ext import errors

TIME_LIMIT: Final = 10.0


@dataclass(frozen=True)
class Query:
    """What is asked of a target.

    Args:
        target: an extension's name, `module:attribute` or `module:run`.
        question: "app" for an `AppDescription`, "extension" for a `DeclaredExtension`, "manifest" for that of an
            extension's package, "hooks" to load a plugin's, "project" for all that a new project is written of; or, as "module:function", what to call with the app in the
            child, which returns plain data.
        timeout: seconds.
        options: the texts of options, by extension and name; those of the target itself are under "".
        stub: the stub module that is about to be written, as `stubs_stand_in` takes it.
        folder: where modules and distributions are looked for first; the current one by default.
    """

    target: str
    question: str
    timeout: float = TIME_LIMIT
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stub: Mapping[str, Any] | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Answer:
    """The answer to a query: its value as plain data.

    `warnings` say what it may lack, and `incomplete` what it certainly lacks: extensions that stop without options.
    """

    value: Any
    warnings: list[str]
    incomplete: list[str]


def run_query(query: Query) -> Answer:
    """Load a target in a child process, and return the answer to a question about it.

    Raises:
        ExtensionError: the target is wrong, fails, or takes too long; `traceback` holds the child's own.
    """
    from .process import Child, GoneError, HungError  # what a manifest answers needs none

    output = sys.stderr if _has_file(sys.stderr) else subprocess.DEVNULL
    request = {name: value for name, value in vars(query).items() if name not in ("timeout", "folder")}
    child = Child("socketify_ext.inspection.worker", request, query.timeout, output=output, folder=query.folder)
    with contextlib.closing(child):
        try:
            return Answer(**child.read_event()["answer"])
        except HungError as hung:
            why = f"it still runs after {query.timeout:g} s{f', in {hung.location}' if hung.location else ''}"
            fix = (
                "Give --timeout more seconds, or start servers, loops and connections in on_startup, where nothing "
                "runs yet"
            )
            raise _unanswered(query.target, why, fix, hung.trace) from None
        except GoneError as gone:
            fix = "Let the module make the app, and run it under `if __name__ == '__main__'`"
            raise _unanswered(query.target, str(gone), fix) from None


def _has_file(stream: Any) -> bool:
    try:
        return bool(stream.fileno() >= 0)
    except (AttributeError, OSError, ValueError):
        return False


def _unanswered(target: str, why: str, fix: str, trace: str = "") -> errors.TargetError:
    return errors.TargetError(f"target {target!r}", "can't be loaded", why, fix, target=target, traceback=trace)
