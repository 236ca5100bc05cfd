"""The health of an app: what its probes get."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .checks import Check, Checks
from .lag import LagMeter
from .options import Options

Function = TypeVar("Function", bound=Check)


class Health:
    """The health of an app, as `app.health`; extensions add readiness checks to it.

    Args:
        options: of the extension.
    """

    def __init__(self, options: Options) -> None:
        self._details = options.details
        self._checks = Checks(options.timeout, options.cache)
        self._meter = LagMeter(options.sample)
        self._is_closing = False

    @property
    def lag(self) -> float:
        """Return the seconds that the event loop is behind, 0 where the option `max_lag` does not ask for it."""
        return self._meter.lag

    @property
    def is_closing(self) -> bool:
        """Return whether the server has begun to close, so that it is not ready any more."""
        return self._is_closing

    def add_check(self, name: str, function: Check, *, timeout: float | None = None) -> None:
        """Add a readiness check.

        Args:
            name: what it looks at, as /readyz shows it.
            function: returns whether that can be used, None for yes; an error is no, and goes to the log alone. Async, or
                sync in a thread.
            timeout: seconds that it has; the option `timeout` by default.

        Raises:
            ArgumentError: there is one of this name, it can't be called, or the time is not above 0.
        """
        self._checks.add(name, function, timeout)

    def check(self, name: str, *, timeout: float | None = None) -> Callable[[Function], Function]:
        """Add the function below as a readiness check: `@app.health.check("database")`."""

        def add(function: Function) -> Function:
            self.add_check(name, function, timeout=timeout)
            return function

        return add

    async def readiness(self) -> tuple[int, dict[str, object]]:
        """Return the status and the content of the answer to a readiness probe."""
        if self._is_closing:
            return 503, {"status": "closing"}
        states = await self._checks.results()
        is_ready = all(state == "ok" for state in states.values())
        shown: dict[str, object] = {"status": "ok" if is_ready else "failing"}
        if self._details:
            shown["checks"] = states
        return 200 if is_ready else 503, shown

    def start(self) -> None:
        """Begin to measure the lag of the running loop."""
        self._meter.start()

    def close(self) -> None:
        """Be ready no more."""
        self._is_closing = True

    def stop(self) -> None:
        """Measure no more."""
        self._meter.stop()
