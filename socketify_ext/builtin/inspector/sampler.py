"""Where the server's thread spends its time: samples of its stack, while somebody looks.

A thread of its own looks at the stack some fifty times a second. So hooks, members and handlers are measured without a
line of code around them: nothing runs while nobody looks.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Mapping
from types import CodeType
from typing import Final

_INTERVAL: Final = 0.0203  # seconds; not a divisor of what timers use
_DEEPEST: Final = 200  # frames


class StackSampler:
    """Count in which functions a thread is.

    Args:
        names: what is counted, by code.
    """

    def __init__(self, names: Mapping[CodeType, str]) -> None:
        self._names = names
        self._thread = threading.get_ident()
        self._stopped = threading.Event()
        self._counts: Counter[str] = Counter()
        self._taken = 0
        self._worker = threading.Thread(target=self._run, name="socketify-ext-inspector", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def take(self) -> dict[str, float]:
        """Return the share of the time in each function since the last call, in percent."""
        counts, self._counts = self._counts, Counter()
        taken, self._taken = self._taken, 0
        return {name: round(100 * count / taken, 2) for name, count in counts.most_common() if taken}

    def _run(self) -> None:
        while not self._stopped.wait(_INTERVAL):
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
            self._counts.update(seen)
