"""The methods that add routes, of an app and of an app surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import Self

Handler = TypeVar("Handler", bound=Callable[..., Any])


class _Below:
    """The type of `BELOW`, which signatures show as dots."""

    def __repr__(self) -> str:
        return "..."


BELOW: Final[Any] = _Below()
"""In place of a handler: the method is a decorator, and the handler is the function below it."""


class RouteMethods:
    """The ten methods that add an HTTP route.

    Each takes a path and a handler, `app.get("/", home)`, or is a decorator, `@app.get("/")`, that returns the function as
    it is. `max_body` is how many bytes the body of a request may have, in place of the app's own number.
    """

    __slots__ = ()

    def _route(self, method: str, path: str, target: Any, max_body: int | None = None) -> Any:
        raise NotImplementedError

    def _add(self, method: str, path: str, handler: Any, max_body: int | None) -> Any:
        if handler is not BELOW or not isinstance(path, str):  # of which the latter is refused
            return self._route(method, path, handler, max_body)

        def add(handler: Handler) -> Handler:
            self._route(method, path, handler, max_body)
            return handler

        return add

    @overload
    def get(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def get(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def get(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve GET, and HEAD unless another route does; a decorator where no handler is given."""
        return self._add("get", path, handler, max_body)

    @overload
    def post(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def post(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def post(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve POST; a decorator where no handler is given."""
        return self._add("post", path, handler, max_body)

    @overload
    def put(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def put(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def put(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve PUT; a decorator where no handler is given."""
        return self._add("put", path, handler, max_body)

    @overload
    def patch(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def patch(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def patch(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve PATCH; a decorator where no handler is given."""
        return self._add("patch", path, handler, max_body)

    @overload
    def delete(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def delete(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def delete(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve DELETE; a decorator where no handler is given."""
        return self._add("delete", path, handler, max_body)

    @overload
    def options(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def options(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def options(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve OPTIONS; a decorator where no handler is given."""
        return self._add("options", path, handler, max_body)

    @overload
    def head(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def head(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def head(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve HEAD; a decorator where no handler is given."""
        return self._add("head", path, handler, max_body)

    @overload
    def connect(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def connect(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def connect(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve CONNECT; a decorator where no handler is given."""
        return self._add("connect", path, handler, max_body)

    @overload
    def trace(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def trace(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def trace(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve TRACE; a decorator where no handler is given."""
        return self._add("trace", path, handler, max_body)

    @overload
    def any(self, path: str, *, max_body: int | None = None) -> Callable[[Handler], Handler]: ...
    @overload
    def any(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None) -> Self: ...
    def any(self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None) -> Any:
        """Serve every method that has no route of its own; a decorator where no handler is given."""
        return self._add("any", path, handler, max_body)
