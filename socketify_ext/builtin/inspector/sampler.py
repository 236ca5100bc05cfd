"""Where the server's thread spends its time: samples of its stack, while somebody looks.

A thread of its own looks at the stack twenty times a second. So hooks, members and handlers are measured without a
line of code around them: nothing runs while nobody looks.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from types import CodeType
from typing import Final

_INTERVAL: Final = 0.0503  # seconds; not a divisor of what timers use
_KEPT: Final = 10  # takes whose samples are shown together, since one has few
_DEEPEST: Final = 200  # frames


class StackSampler:
    """Count in which functions a thread is.

    Args:
        names: what is counted, by code.
    """

    def __init__(self, names: Mapping[CodeType, str]) -> None:
        self._names = names
        self._thread = threading.get_ident()
        self._is_stopped = False
        self._counts: Counter[str] = Counter()
        self._taken = 0
        self._earlier: deque[tuple[Counter[str], int]] = deque(maxlen=_KEPT)
        self._worker = threading.Thread(target=self._run, name="socketify-ext-inspector", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Look no more."""
        self._is_stopped = True

    def take(self) -> dict[str, float]:
        """Return the share of the time in each function during the last ten calls, in percent."""
        self._earlier.append((self._counts, self._taken))
        self._counts, self._taken = Counter(), 0
        counts = sum((each for each, _ in self._earlier), Counter[str]())
        taken = sum(each for _, each in self._earlier)
        return {name: round(100 * count / taken, 2) for name, count in counts.most_common() if taken}

    def _run(self) -> None:
        while not self._is_stopped:
            time.sleep(_INTERVAL)  # an event to wait for would cost ten times as much
            frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - Python's own way to see another thread
            self._taken += 1
            seen = set()
            for _ in range(_DEEPEST):
                if frame is None:
                    break
                name = self._names.get(frame.f_code)
                if name is not None:
                    seen.add(name)
                frame = frame.f_back
            frame = None  # what it holds is not kept until the next look
            self._counts.update(seen)
