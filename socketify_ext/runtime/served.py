"""The apps that the loop of a thread serves: they share its signals, and end together."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class ServedApps:
    """The apps of one loop, each from its start-up to its end.

    Attributes:
        apps: in the order in which they came.
        running: the one whose `run()` runs the loop, or None.
    """

    def __init__(self) -> None:
        self.apps: list[Any] = []
        self.running: Any = None
        self._signals: tuple[signal.Signals, ...] = ()

    def enter(self, app: Any, loop: asyncio.AbstractEventLoop) -> bool:
        """Add an app; with the first one, SIGINT and SIGTERM come here instead of ending the process.

        Returns:
            Whether it is new.
        """
        if app in self.apps:
            return False
        self.apps.append(app)
        if not self._signals and threading.current_thread() is threading.main_thread():
            self._signals = _SIGNALS
            for number in _SIGNALS:
                loop.add_signal_handler(number, self._on_signal)
        return True

    def leave(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        """Remove an app; with the last one, signals do again what they did before."""
        if app in self.apps:
            self.apps.remove(app)
        if not self.apps:
            for number in self._signals:
                loop.remove_signal_handler(number)
            self._signals = ()

    def others(self, app: Any) -> list[Any]:
        """Return the apps beside one."""
        return [other for other in self.apps if other is not app]

    def _on_signal(self) -> None:
        """Handle a signal: the running app ends, and the others with it; before that, each remembers it."""
        for app in [self.running] if self.running is not None else list(self.apps):
            app._on_signal()
