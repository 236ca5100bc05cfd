"""The response that reports its end to the hooks after it."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from .hook_calls import run_logged
from .outcome import Outcome

if TYPE_CHECKING:
    from .routes import Route


class Observed:
    """A mixin whose response reports its end, in whichever way it ends: each sets `_answered`."""

    # Of the response.
    _server: Any
    _status: bytes | None
    _head_sent: bool
    _request: Any
    _variables: Any
    aborted: bool
    # Ours.
    _over = False
    _line: bytes | None = None  # the status line that has gone to the client, or None
    _dropped = False  # the connection is being closed without an answer
    _watched: Any = None  # the route that has the request
    _began = 0.0
    _path: str | None = None
    _method: str | None = None

    @property
    def _answered(self) -> bool:
        return self._over

    @_answered.setter
    def _answered(self, over: bool) -> None:
        if over and not self._over and self._watched is not None:
            # Its hooks come when this event has been dealt with, so that the client does not wait for them.
            self._server.loop.call_soon(_finished, self._watched, self._outcome(), context=self._variables)
        self._over = over

    def _outcome(self) -> Outcome:
        ended_early = self.aborted or self._dropped
        line = self._line if self._head_sent or ended_early else self._status or b"200"
        route = self._watched
        return Outcome(
            status=None if line is None else int(line[:3]),
            route=route.pattern,
            method=route.method if self._method is None else self._method,
            duration=perf_counter() - self._began,
            aborted=ended_early,
            response=self,  # type: ignore[arg-type]  # it is put before a response's class
            request=self._request,
        )

    def _write_head(self, *arguments: Any, **options: Any) -> None:
        self._line = self._status or b"200"
        super()._write_head(*arguments, **options)  # type: ignore[misc]

    def _upgrade(self, *arguments: Any) -> Any:
        status, self._status = self._status, b"101"
        self._server.upgrading_path = self._path
        try:
            return super()._upgrade(*arguments)  # type: ignore[misc]
        finally:
            self._server.upgrading_path = None
            if not self._over:
                self._status = status

    def _drop(self) -> None:
        self._dropped = True
        super()._drop()  # type: ignore[misc]


def _finished(route: Route, outcome: Outcome) -> None:
    response: Any = outcome.response
    for hook in route.after.on(response._path):
        run_logged(route, hook, outcome)
