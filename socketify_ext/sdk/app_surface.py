"""The `app` that an extension function gets: it records calls, and replays them on commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, Final, TypeVar

from .. import errors
from .declared_route import DeclaredRoute
from .path_prefix import Segments
from .provenance import Provenance
from .request_hooks import LIFECYCLE_PARAMETERS, AppHooks, RequestHook, check_function
from .route_info import RouteInfo
from .route_methods import RouteMethods
from .route_option import RouteOption, RouteOptions

Function = TypeVar("Function", bound=Callable[..., Any])


class AppSurface(AppHooks, RouteOptions, RouteMethods):
    """Stand for the app, or for the scope that the extension is registered in, while an extension is declared.

    Routes, route options, a serializer, hooks, a backplane, start-up and shutdown functions and attributes are recorded,
    and applied when the whole registration has succeeded. Everything else goes to the app itself; after the commit, all
    of it does.
    """

    _app: Any
    _provenance: Provenance
    _attributes: dict[str, Any]
    _committed: bool
    hooks: tuple[RequestHook, ...]
    route_options: tuple[RouteOption, ...]
    declared_routes: list[DeclaredRoute]
    serializer: Any
    declared_backplane: Any
    startup: list[Callable[..., Any]]
    shutdown: list[Callable[..., Any]]
    listening: list[Callable[..., Any]]
    closing: list[Callable[..., Any]]
    declared_gauges: dict[str, Callable[[], float]]
    _own: Final = frozenset(__annotations__)

    def __init__(self, app: Any, provenance: Provenance) -> None:
        # Past __setattr__, which records.
        vars(self).update(
            _app=app,
            _provenance=provenance,
            _attributes={},
            _committed=False,
            hooks=(),
            route_options=(),
            declared_routes=[],
            serializer=None,
            declared_backplane=None,
            startup=[],
            shutdown=[],
            listening=[],
            closing=[],
            declared_gauges={},
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

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Show a number of this extension beside the app's figures, as in the inspector.

        Args:
            name: what it is, unique in the extension.
            read: returns it now; called by whoever shows it, at most each second.
        """
        if not callable(read):
            fix = 'Write it as app.gauge("waiting", lambda: len(queue))'
            self._refuse("gauge", f"a {type(read).__name__} can't be called", fix)
        self.declared_gauges[str(name)] = read

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
            self.declared_backplane = backplane

    def scope(self, prefix: str = "") -> Any:
        """Make a scope, once the extension is registered; what an extension adds is in its own scope already."""
        if self._committed:
            return self._reached("scope").scope(prefix)
        raise errors.DeclarationError(
            f"extension {self._provenance}",
            f"makes the scope {prefix!r}",
            "it is still being declared",
            'Let the program choose the scope: app.scope("/prefix").register(extension)',
        )

    @property
    def routes(self) -> tuple[RouteInfo, ...]:
        """Return the routes of the app, or of the scope that the extension is registered in."""
        found: tuple[RouteInfo, ...] = self._reached("routes").routes
        return found

    @property
    def root(self) -> Any:
        """Return the app itself, also where the extension is registered in a scope of it."""
        return self._reached("root").root

    @property
    def prefix(self) -> str:
        """Return the prefix of the scope that the extension is registered in, "" for the app itself."""
        return self._provenance.scope

    @property
    def _hooked_by(self) -> Provenance:
        return self._provenance

    @property
    def _base(self) -> Segments:
        return tuple(self._provenance.scope.split("/")[1:])

    def _add_hook(self, hook: RequestHook) -> None:
        self._add_declared("hooks", hook)

    def remove_hook(self, function: Callable[..., Any]) -> None:
        """Run a function no more, which this extension has put on the app as a hook."""
        if self._committed:
            self._reached("remove_hook")._remove_hook(self, "hooks", function)  # noqa: SLF001 - it stands for the app
        else:
            self.hooks = tuple(hook for hook in self.hooks if hook.function != function)

    def _add_option(self, option: RouteOption) -> None:
        self._add_declared("route_options", option)

    def _add_declared(self, name: str, item: Any) -> None:
        if self._committed:
            self._reached(name)._add_declared(self, name, item)  # noqa: SLF001 - it stands for the app
        else:
            setattr(self, name, (*getattr(self, name), item))

    def _lifecycle(self, name: str, functions: list[Callable[..., Any]], function: Function) -> Function:
        if not callable(function):
            fix = f"Write @app.{name} above the function, or pass the function without calling it"
            self._refuse(name, f"a {type(function).__name__} can't be called", fix)
        if self._committed:
            getattr(self._reached(name), name)(function)
        else:
            functions.append(function)
        return function

    def _add_route(self, route: DeclaredRoute) -> AppSurface:
        method, target, kind = route.method, route.target, type(route.target).__name__
        if not isinstance(route.path, str):
            self._refuse(method, f"{route.path!r} is not a path", f'Write it as app.{method}("/path", ...)')
        if method == "ws":
            if not isinstance(target, Mapping):
                self._refuse(method, f"a {kind} is not a mapping of handlers", 'Pass a dict: {"message": handler}')
        elif method == "static":
            if not isinstance(target, (str, PathLike)):
                self._refuse(method, f"a {kind} is not a directory", "Pass a directory's path")
        elif not callable(target):
            self._refuse(method, f"a {kind} can't be called", f'Write it as app.{method}("/path", handler)')
        if self._committed:
            self._reached(method)._add_route(route)  # noqa: SLF001 - it stands for the app
        else:
            self.declared_routes.append(route)
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
        self._committed = True
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
        recorded = (self.declared_routes, self.route_options, self.hooks, *lifecycle)
        return any(recorded) or self.serializer is not None or self.declared_backplane is not None
