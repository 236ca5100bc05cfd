"""Where in a target's own code something happened: not in this package, the core or the standard library."""

from __future__ import annotations

import functools
import importlib.util
import re
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_OWN: Final = str(Path(__file__).parent.parent)
_BUILT_IN: Final = str(Path(_OWN, "builtin"))
_STANDARD: Final = sysconfig.get_path("stdlib")
_CALL: Final = re.compile(r'File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)')


def location_of_error(error: BaseException) -> str:
    """Return the line of the target that an error came from, as in "app.py:3"; "" where there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}"
    return location_of_frames(traceback.extract_tb(error.__traceback__))


def location_of_frames(frames: Iterable[traceback.FrameSummary]) -> str:
    """Return the line of the last frame that is the target's; "" where there is none."""
    for frame in reversed(list(frames)):
        if _is_target(frame.filename):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return ""


def location_of_trace(trace: str) -> str:
    """Return the target's line and function in what faulthandler has written, the latest call first."""
    _, _, main = trace.rpartition("Current thread")
    for call in _CALL.finditer(main):
        if _is_target(call["file"]):
            return f"{Path(call['file']).name}:{call['line']} ({call['function']})"
    return ""


def _is_target(file: str) -> bool:
    """Whether a file is the target's; the built-in extensions may be targets, too."""
    own = file.startswith(_OWN) and not file.startswith(_BUILT_IN)
    standard = file.startswith(_STANDARD) and "site-packages" not in file
    return not (own or standard or file.startswith(("<", _core())))


@functools.cache
def _core() -> str:
    spec = importlib.util.find_spec("socketify")
    return str(Path(spec.origin).parent) + "/" if spec is not None and spec.origin else "<"
