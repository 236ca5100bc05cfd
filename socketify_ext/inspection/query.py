"""Queries on a target, which a child process loads: its output, failures and delays stay there."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from socketify_ext import errors

from .process import Child, GoneError, HungError

if TYPE_CHECKING:
    from .app_description import AppDescription

TIME_LIMIT: Final = 10.0


def app_description(target: str, timeout: float) -> AppDescription:
    """Describe the extensions and members of an app, or of an extension on an app of its own.

    Raises:
        ExtensionError: the target is wrong, fails, or takes too long; its text says which.
    """
    from pydantic import TypeAdapter

    from .app_description import AppDescription

    return TypeAdapter(AppDescription).validate_python(run_query(target, "app", timeout))


def run_query(target: str, question: str, timeout: float) -> Any:
    """Load a target in a child process, and return the answer to a question about it as plain data.

    Args:
        target: an extension's name, `module:attribute` or `module:run`.
        question: "app" for an `AppDescription`, "extension" for a `DeclaredExtension`, "manifest" for that of an
            extension's package, "hooks" to load a plugin's; or, as "module:function", what to call with the app in the
            child, which returns plain data.
        timeout: seconds.

    Raises:
        ExtensionError: the target is wrong, fails, or takes too long; `traceback` holds the child's own.
    """
    output = sys.stderr if _has_file(sys.stderr) else subprocess.DEVNULL
    request = {"target": target, "question": question}
    with contextlib.closing(Child("socketify_ext.inspection.worker", request, timeout, output=output)) as child:
        try:
            return child.read_event()["answer"]
        except HungError as hung:
            why = f"it still runs after {timeout:g} s{f', in {hung.location}' if hung.location else ''}"
            fix = (
                "Give --timeout more seconds, or start servers, loops and connections in on_startup, where nothing "
                "runs yet"
            )
            raise _unanswered(target, why, fix, hung.trace) from None
        except GoneError as gone:
            fix = "Let the module make the app, and run it under `if __name__ == '__main__'`"
            raise _unanswered(target, str(gone), fix) from None


def _has_file(stream: Any) -> bool:
    try:
        return bool(stream.fileno() >= 0)
    except (AttributeError, OSError, ValueError):
        return False


def _unanswered(target: str, why: str, fix: str, trace: str = "") -> errors.TargetError:
    return errors.TargetError(f"target {target!r}", "can't be loaded", why, fix, target=target, traceback=trace)
