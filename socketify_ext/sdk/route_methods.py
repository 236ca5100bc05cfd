"""The methods that add routes, of an app and of an app surface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from .declared_route import DeclaredRoute
from .provenance import calling_location
from .route_info import NO_OPTIONS

if TYPE_CHECKING:
    from typing_extensions import Self

    from .provenance import Provenance

Handler = TypeVar("Handler", bound=Callable[..., Any])


class _Below:
    """The type of `BELOW`, which signatures show as dots."""

    def __repr__(self) -> str:
        return "..."


BELOW: Final[Any] = _Below()
"""In place of a handler: the method is a decorator, and the handler is the function below it."""


class RouteMethods:
    """The methods that add a route: ten for HTTP, and those for WebSockets and for files.

    Each of the ten takes a path and a handler, `app.get("/", home)`, or is a decorator, `@app.get("/")`, that returns the
    function as it is. `max_body` is how many bytes the body of a request may have, in place of the app's own number;
    the other options are those that extensions declare with `app.route_option`.
    """

    __slots__ = ()

    @property
    def _hooked_by(self) -> Provenance | None:
        return None

    def _add_route(self, route: DeclaredRoute) -> Any:
        raise NotImplementedError

    def _route(self, method: str, path: str, target: Any, options: Mapping[str, Any]) -> Any:
        return self._add_route(DeclaredRoute(method, path, target, options, *calling_location(), self._hooked_by))

    def _add(self, method: str, path: str, handler: Any, max_body: int | None, options: dict[str, Any]) -> Any:
        if max_body is not None:
            options["max_body"] = max_body
        if handler is not BELOW or not isinstance(path, str):  # of which the latter is refused
            return self._route(method, path, handler, options)
        file, line = calling_location()

        def add(handler: Handler) -> Handler:
            self._add_route(DeclaredRoute(method, path, handler, options, file, line, self._hooked_by))
            return handler

        return add

    def ws(self, path: str, behavior: Mapping[str, Any], **options: Any) -> Self:
        """Serve WebSockets; `behavior` holds handlers by event and the core's limits.

        Raises:
            RouteError: a key of `behavior` is unknown, or a handler can't be called.
        """
        return self._route("ws", path, behavior, options)  # type: ignore[no-any-return]

    def static(self, route: str, directory: str | PathLike[str], **options: Any) -> Self:
        """Serve the files of a folder below `route`: see docs/files.md.

        Raises:
            RouteError: there is no such folder, or the route is not a plain path.
            DuplicateRouteError: something is served there already.
        """
        return self._route("static", route, directory, options)  # type: ignore[no-any-return]

    def not_found(self, handler: Handler) -> Handler:
        """Answer requests that match no route, and files of a folder that are not there, with `handler(res, req)`.

        The status is 404 unless the handler sets another. The last handler counts; works as a decorator.

        Args:
            handler: sync or async.

        Raises:
            RouteError: it can't be called with a response and a request.
        """
        self._route("not_found", "/*", handler, NO_OPTIONS)
        return handler

    @overload
    def get(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def get(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def get(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve GET, and HEAD unless another route does; a decorator where no handler is given."""
        return self._add("get", path, handler, max_body, options)

    @overload
    def post(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def post(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def post(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve POST; a decorator where no handler is given."""
        return self._add("post", path, handler, max_body, options)

    @overload
    def put(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def put(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def put(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve PUT; a decorator where no handler is given."""
        return self._add("put", path, handler, max_body, options)

    @overload
    def patch(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def patch(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def patch(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve PATCH; a decorator where no handler is given."""
        return self._add("patch", path, handler, max_body, options)

    @overload
    def delete(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def delete(
        self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any
    ) -> Self: ...
    def delete(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve DELETE; a decorator where no handler is given."""
        return self._add("delete", path, handler, max_body, options)

    @overload
    def options(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def options(
        self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any
    ) -> Self: ...
    def options(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve OPTIONS; a decorator where no handler is given."""
        return self._add("options", path, handler, max_body, options)

    @overload
    def head(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def head(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def head(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve HEAD; a decorator where no handler is given."""
        return self._add("head", path, handler, max_body, options)

    @overload
    def connect(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def connect(
        self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any
    ) -> Self: ...
    def connect(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve CONNECT; a decorator where no handler is given."""
        return self._add("connect", path, handler, max_body, options)

    @overload
    def trace(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def trace(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def trace(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve TRACE; a decorator where no handler is given."""
        return self._add("trace", path, handler, max_body, options)

    @overload
    def any(self, path: str, *, max_body: int | None = None, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def any(self, path: str, handler: Callable[..., Any], *, max_body: int | None = None, **options: Any) -> Self: ...
    def any(
        self, path: str, handler: Callable[..., Any] = BELOW, *, max_body: int | None = None, **options: Any
    ) -> Any:
        """Serve every method that has no route of its own; a decorator where no handler is given."""
        return self._add("any", path, handler, max_body, options)
