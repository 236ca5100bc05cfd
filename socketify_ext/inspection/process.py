"""A command's TARGET, loaded in a process of its own: what it prints, breaks or waits for is not the command's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from socketify_ext import errors

if TYPE_CHECKING:
    from .app_description import AppDescription

TIME_LIMIT: Final = 10.0
_GRACE: Final = 5.0  # seconds for a process that can't even end itself

Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="An extension's name, module:attribute (an App, what makes one, or an extension), or module:run as for "
        "python -m socketify.",
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long the target may take to load.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def app_description(target: str, timeout: float) -> AppDescription:
    """Describe the extensions and members of an app, or of an extension on an app of its own.

    Raises:
        ExtensionError: the target is wrong, fails, or takes too long; its text says which.
    """
    from pydantic import TypeAdapter

    from .app_description import AppDescription

    return TypeAdapter(AppDescription).validate_python(ask(target, "app", timeout))


def ask(target: str, question: str, timeout: float) -> Any:
    """Load a target in a child process, and have that answer a question in plain data.

    Args:
        target: an extension's name, `module:attribute` or `module:run`.
        question: "app" for an `AppDescription`, "extension" for a `Description`.
        timeout: seconds.

    Raises:
        ExtensionError: the target is wrong, fails, or takes too long; `traceback` holds the child's own.
    """
    with tempfile.TemporaryDirectory(prefix="socketify-ext-") as folder:
        answer, trace = Path(folder, "answer.json"), Path(folder, "trace.txt")
        request = json.dumps([target, question, timeout, str(answer), str(trace)])
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "socketify_ext.inspection.worker", request],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if _has_file(sys.stderr) else subprocess.DEVNULL,
            start_new_session=True,  # whatever it starts ends with it
        )
        try:
            code = process.wait(timeout + _GRACE)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        if answer.exists():
            answered = json.loads(answer.read_text())
            if "error" in answered:
                raise rebuilt(answered["error"])
            return answered["answer"]
        shown = trace.read_text() if trace.exists() else ""
    if shown or code is None:
        raise _hung(target, timeout, shown)
    raise _ended(target, code)


def _has_file(stream: Any) -> bool:
    try:
        return bool(stream.fileno() >= 0)
    except (AttributeError, OSError, ValueError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of one that has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rebuilt(parts: dict[str, Any]) -> errors.ExtensionError:
    """Make the error again whose parts the child has told."""
    kind: type[errors.ExtensionError] = getattr(errors, parts.pop("kind"))
    return kind(**parts)


def _hung(target: str, timeout: float, trace: str) -> errors.TargetError:
    where = _where(trace)
    return errors.TargetError(
        f"target {target!r}",
        "can't be loaded",
        f"it still runs after {timeout:g} s{f', in {where}' if where else ''}",
        "Give --timeout more seconds, or start servers, loops and connections in on_startup, where nothing runs yet",
        target=target,
        traceback=trace,
    )


def _where(trace: str) -> str:
    """Find the line of the target's own code in what faulthandler has written, the latest call first."""
    ours = (str(Path(__file__).parent.parent), sysconfig.get_path("stdlib"), "<")
    _, _, main = trace.partition("Current thread") if "Current thread" in trace else ("", "", trace)
    for line in main.splitlines():
        _, quote, rest = line.partition('File "')
        file, _, place = rest.partition('", line ')
        if quote and (not file.startswith(ours) or "site-packages" in file.removeprefix(ours[0])):
            number, _, function = place.partition(" in ")
            return f"{Path(file).name}:{number} ({function})"
    return ""


def _ended(target: str, code: int) -> errors.TargetError:
    try:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    except ValueError:
        how = f"ended with exit code {code}"
    return errors.TargetError(
        f"target {target!r}",
        "can't be loaded",
        f"its process {how}",
        "Let the module make the app, and run it under `if __name__ == '__main__'`",
        target=target,
        traceback="",
    )
