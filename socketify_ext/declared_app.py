"""What an extension is handed as `app` while it is declared: it records, and applies nothing until commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from . import errors
from .spec import Provenance

Function = TypeVar("Function", bound=Callable[..., Any])

ROUTES = ("get", "post", "put", "patch", "delete", "options", "head", "connect", "trace", "any")


class DeclaredApp:
    """Stand for the app while an extension is declared.

    Routes, start-up and shutdown functions are recorded and applied when the whole registration has succeeded.
    Everything else is the app's own.
    """

    def __init__(self, app: Any, provenance: Provenance) -> None:
        self._app = app
        self._provenance = provenance
        self.routes: list[tuple[str, str, Any]] = []
        self.startup: list[Callable[..., Any]] = []
        self.shutdown: list[Callable[..., Any]] = []

    def on_startup(self, function: Function) -> Function:
        """Run `function`, sync or async, before the server listens, in resolved order."""
        self.startup.append(function)
        return function

    def on_shutdown(self, function: Function) -> Function:
        """Run `function`, sync or async, once the server has stopped, in reverse order."""
        self.shutdown.append(function)
        return function

    def ws(self, path: str, behavior: Any) -> DeclaredApp:
        """Add a WebSocket route."""
        self.routes.append(("ws", path, behavior))
        return self

    def __getattr__(self, name: str) -> Any:
        if name in ROUTES:

            def route(path: str, handler: Any) -> DeclaredApp:
                self.routes.append((name, path, handler))
                return self

            return route
        if self._app is None:
            raise errors.InstallError(
                f"extension {self._provenance}",
                f"uses app.{name}",
                "there is no app that it could reach",
                "Call socketify_ext.install(app) before it is registered",
            )
        return getattr(self._app, name)

    @property
    def needs_install(self) -> bool:
        """Tell whether something was recorded that only an installed app can do."""
        return bool(self.routes or self.startup or self.shutdown)
