"""Apps with typed handlers, for `socketify-ext stubs`. Nothing is here at run time.

`TypedApp[Response, Request]` is a `socketify_ext.App`, `TypedCoreApp[...]` a stock app, with routes that take handlers
of exactly these classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Generic, Protocol, TypedDict, TypeVar, overload

    import socketify
    from typing_extensions import Self

    from .app import App
    from .runtime.scope import Scope

    ResponseT = TypeVar("ResponseT")
    RequestT = TypeVar("RequestT")
    ResultT = TypeVar("ResultT")

    class Limits(TypedDict, total=False):
        """The core's limits of a WebSocket route, which stand beside its handlers in `app.ws`."""

        compression: int
        max_payload_length: int
        idle_timeout: int
        max_backpressure: int
        close_on_backpressure_limit: bool
        reset_idle_timeout_on_send: bool
        send_pings_automatically: bool
        max_lifetime: int

    class Decorator(Protocol[ResponseT, RequestT]):
        """What `@app.get("/")` and the like are: the handler stays as it is."""

        def __call__(
            self, handler: Callable[[ResponseT, RequestT], ResultT], /
        ) -> Callable[[ResponseT, RequestT], ResultT]: ...

    class Routes(Generic[ResponseT, RequestT]):
        """The HTTP routes of an app or a scope.

        `max_body` is how many bytes the body of a request may have; `options` are those that extensions declare.
        """

        @overload
        def get(self, path: str, *, max_body: int | None = None, **options: Any) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def get(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def get(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def post(self, path: str, *, max_body: int | None = None, **options: Any) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def post(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def post(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def put(self, path: str, *, max_body: int | None = None, **options: Any) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def put(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def put(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def patch(
            self, path: str, *, max_body: int | None = None, **options: Any
        ) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def patch(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def patch(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def delete(
            self, path: str, *, max_body: int | None = None, **options: Any
        ) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def delete(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def delete(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def options(
            self, path: str, *, max_body: int | None = None, **options: Any
        ) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def options(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def options(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def head(self, path: str, *, max_body: int | None = None, **options: Any) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def head(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def head(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def connect(
            self, path: str, *, max_body: int | None = None, **options: Any
        ) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def connect(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def connect(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def trace(
            self, path: str, *, max_body: int | None = None, **options: Any
        ) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def trace(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def trace(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        @overload
        def any(self, path: str, *, max_body: int | None = None, **options: Any) -> Decorator[ResponseT, RequestT]: ...
        @overload
        def any(
            self,
            path: str,
            handler: Callable[[ResponseT, RequestT], object],
            *,
            max_body: int | None = None,
            **options: Any,
        ) -> Self: ...
        def any(self, path: str, handler: Any = ..., *, max_body: int | None = None, **options: Any) -> Any: ...

        def not_found(
            self, handler: Callable[[ResponseT, RequestT], ResultT]
        ) -> Callable[[ResponseT, RequestT], ResultT]: ...

    class CoreRoutes(Generic[ResponseT, RequestT]):
        """The HTTP routes of a stock app."""

        def get(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def post(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def put(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def patch(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def delete(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def options(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def head(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def connect(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def trace(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...
        def any(self, path: str, handler: Callable[[ResponseT, RequestT], object]) -> Self: ...

    class TypedScope(Routes[ResponseT, RequestT], Scope):  # type: ignore[misc]  # as for TypedApp
        """A `socketify_ext.Scope` with handlers of these types."""

        def scope(self, prefix: str = "") -> TypedScope[ResponseT, RequestT]: ...

    class TypedApp(Routes[ResponseT, RequestT], App):  # type: ignore[misc]  # routes take other handlers than App's
        """A `socketify_ext.App` with handlers of these types."""

        def scope(self, prefix: str = "") -> TypedScope[ResponseT, RequestT]: ...

    class TypedCoreApp(CoreRoutes[ResponseT, RequestT], socketify.App):  # type: ignore[misc]  # see pyproject.toml
        """A stock app with handlers of these types."""
