"""The `app` that an extension function gets: it records calls, and replays them on commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, Final, TypeVar

from .. import errors
from .provenance import Provenance
from .request_hooks import LIFECYCLE_PARAMETERS, RequestHook, RequestHooks, check_function
from .route_methods import RouteMethods

Function = TypeVar("Function", bound=Callable[..., Any])


class AppSurface(RequestHooks, RouteMethods):
    """Stand for the app while an extension is declared.

    Routes, a serializer, hooks, a backplane, start-up and shutdown functions and attributes are recorded, and applied
    when the whole registration has succeeded. Everything else goes to the app itself; after the commit, all of it does.
    """

    _app: Any
    _provenance: Provenance
    _attributes: dict[str, Any]
    _committed: bool
    hooks: list[RequestHook]
    routes: list[tuple[str, str, Any, int | None]]
    serializer: Any
    backplane: Any
    startup: list[Callable[..., Any]]
    shutdown: list[Callable[..., Any]]
    listening: list[Callable[..., Any]]
    closing: list[Callable[..., Any]]
    _own: Final = frozenset(__annotations__)

    def __init__(self, app: Any, provenance: Provenance) -> None:
        # Past __setattr__, which records.
        vars(self).update(
            _app=app,
            _provenance=provenance,
            _attributes={},
            _committed=False,
            hooks=[],
            routes=[],
            serializer=None,
            backplane=None,
            startup=[],
            shutdown=[],
            listening=[],
            closing=[],
        )

    def on_startup(self, function: Function) -> Function:
        """Run `function`, sync or async, before the server listens, in resolved order."""
        return self._lifecycle("on_startup", self.startup, function)

    def on_start(self, method: Function) -> Function:
        """Run `method` as `on_startup` does; this is the core's name."""
        return self.on_startup(method)

    def on_shutdown(self, method: Function) -> Function:
        """Run `method`, sync or async, once the server has stopped, in reverse order."""
        return self._lifecycle("on_shutdown", self.shutdown, method)

    def on_listen(self, function: Function) -> Function:
        """Run `function(address)`, sync or async, once the server listens, in resolved order."""
        check_function(self._provenance, "on_listen", LIFECYCLE_PARAMETERS["on_listen"], function)
        return self._lifecycle("on_listen", self.listening, function)

    def before_close(self, function: Function) -> Function:
        """Run `function`, sync or async, before the server stops listening, in resolved order."""
        check_function(self._provenance, "before_close", LIFECYCLE_PARAMETERS["before_close"], function)
        return self._lifecycle("before_close", self.closing, function)

    def json_serializer(self, json_serializer: Any) -> None:
        """Serialise objects that are sent with another module: anything with `dumps` and `loads`."""
        if self._committed:
            self._reached("json_serializer").json_serializer(json_serializer)
        else:
            self.serializer = json_serializer

    def use_backplane(self, backplane: Any) -> None:
        """Carry publications to other processes by `backplane`: see `socketify_ext.runtime.topics.Backplane`."""
        if self._committed:
            self._reached("use_backplane").use_backplane(backplane)
        else:
            self.backplane = backplane

    def ws(self, path: str, behavior: Mapping[str, Any]) -> AppSurface:
        """Serve WebSockets; `behavior` holds handlers by event and the core's limits."""
        return self._route("ws", path, behavior)

    def static(self, route: str, directory: str | PathLike[str]) -> AppSurface:
        """Serve the files of a folder below `route`: see docs/files.md."""
        return self._route("static", route, directory)

    def not_found(self, handler: Function) -> Function:
        """Answer requests that match no route with `handler(res, req)`; works as a decorator."""
        self._route("not_found", "/*", handler)
        return handler

    @property
    def _hooked_by(self) -> Provenance:
        return self._provenance

    def _add_hook(self, hook: RequestHook) -> None:
        self.hooks.append(hook)
        if self._committed:
            try:
                self._reached(hook.event).apply_hooks()
            except BaseException:
                self.hooks.remove(hook)
                raise

    def _lifecycle(self, name: str, functions: list[Callable[..., Any]], function: Function) -> Function:
        if not callable(function):
            fix = f"Write @app.{name} above the function, or pass the function without calling it"
            self._refuse(name, f"a {type(function).__name__} can't be called", fix)
        if self._committed:
            getattr(self._reached(name), name)(function)
        else:
            functions.append(function)
        return function

    def _route(self, method: str, path: str, target: Any, max_body: int | None = None) -> AppSurface:
        if not isinstance(path, str):
            self._refuse(method, f"{path!r} is not a path", f'Write it as app.{method}("/path", ...)')
        kind = type(target).__name__
        if method == "ws":
            if not isinstance(target, Mapping):
                self._refuse(method, f"a {kind} is not a mapping of handlers", 'Pass a dict: {"message": handler}')
        elif method == "static":
            if not isinstance(target, (str, PathLike)):
                self._refuse(method, f"a {kind} is not a directory", "Pass a directory's path")
        elif not callable(target):
            self._refuse(method, f"a {kind} can't be called", f'Write it as app.{method}("/path", handler)')
        if self._committed and method == "not_found":
            self._reached(method).not_found(target)
        elif self._committed:
            limit = {} if max_body is None else {"max_body": max_body}
            getattr(self._reached(method), method)(path, target, **limit)
        else:
            self.routes.append((method, path, target, max_body))
        return self

    def _refuse(self, name: str, why: str, fix: str) -> None:
        raise errors.SignatureError(f"extension {self._provenance}", f"calls app.{name}", why, fix)

    def _reached(self, name: str) -> Any:
        if self._app is None:
            raise errors.InstallError(
                f"extension {self._provenance}",
                f"uses app.{name}",
                "it has no app yet",
                "Call socketify_ext.install(app) before it is registered",
            )
        return self._app

    def __getattr__(self, name: str) -> Any:
        if name in self._own:  # not set yet: a copy is being made
            raise AttributeError(name)
        if name in self._attributes:
            return self._attributes[name]
        return getattr(self._reached(name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own:
            super().__setattr__(name, value)
        elif self._committed:
            setattr(self._reached(name), name, value)
        else:
            self._reached(name)
            self._attributes[name] = value

    def commit(self) -> None:
        """Set the recorded attributes on the app; from now on all calls go to the app itself."""
        vars(self)["_committed"] = True
        for name, value in self._attributes.items():
            setattr(self._app, name, value)
        self._attributes.clear()

    @property
    def is_installed(self) -> bool:
        """Whether an app is there to run start-up and shutdown functions; a stock app does not."""
        return self._app is not None

    @property
    def needs_install(self) -> bool:
        """Whether something was recorded that only an installed app can do."""
        lifecycle = (self.startup, self.shutdown, self.listening, self.closing)
        return bool(self.routes or self.serializer or self.backplane or self.hooks or any(lifecycle))
