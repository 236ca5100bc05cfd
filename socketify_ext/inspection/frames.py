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
    places = [(frame.filename, f":{frame.lineno}") for frame in reversed(list(frames))]
    return _first(places)


def location_of_trace(trace: str) -> str:
    """Return the target's line and function in what faulthandler has written, the latest call first."""
    _, _, main = trace.rpartition("Current thread")
    return _first([(call["file"], f":{call['line']} ({call['function']})") for call in _CALL.finditer(main)])


def _first(places: list[tuple[str, str]]) -> str:
    """Return the first place in a target's file: in a built-in only if no other calls it, for most encode JSON."""
    ours = [(file, rest) for file, rest in places if _is_target(file)]
    for file, rest in sorted(ours, key=lambda place: place[0].startswith(_OWN)):
        return f"{Path(file).name}{rest}"
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
