"""Calls of hooks, which the log of errors finds in a traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Sequence
from inspect import isawaitable
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final

from ..errors import RequestGoneError
from ..sdk.request_hooks import RequestHook

if TYPE_CHECKING:
    from .routes import Route


class Applied(tuple[tuple[RequestHook, bool], ...]):
    """The hooks of one event that concern a route, each with whether it depends on a request's path."""

    __slots__ = ()

    @property
    def by_path(self) -> bool:
        """Return whether the path of a request matters."""
        return any(undecided for _, undecided in self)

    def on(self, path: str | None) -> list[RequestHook]:
        """Return the hooks that apply to a request with this path."""
        return [hook for hook, undecided in self if not undecided or hook.matches(path)]

    def of_request(self, response: Any, request: Any) -> Sequence[RequestHook]:
        """Return the hooks that apply to a request that may be in its late days; all, where its path is not known."""
        if not self.by_path:
            return [hook for hook, _ in self]
        path = response._path
        if path is None:
            with contextlib.suppress(RequestGoneError):
                path = request.get_url()
        return self.on(path)


def call(hook: RequestHook, *arguments: Any) -> Any:
    """Call a hook."""
    return hook.function(*arguments)


async def wait_for(hook: RequestHook, awaitable: Awaitable[Any]) -> Any:
    """Await the result of a hook's call."""
    return await awaitable


_CALLS: Final[frozenset[CodeType]] = frozenset((call.__code__, wait_for.__code__))


def hook_in(frame: FrameType) -> RequestHook | None:
    """Return the hook that a frame of a traceback calls."""
    return frame.f_locals["hook"] if frame.f_code in _CALLS else None


def run_logged(route: Route, hook: RequestHook, *arguments: Any) -> None:
    """Call a hook whose result is ignored; its error is logged."""
    try:
        result = call(hook, *arguments)
        if result is not None and isawaitable(result):
            route.server.start(wait_for(hook, result), None, None, route.name)
    except BaseException as error:
        route.server.fail(error, None, None, route.name)
