"""The extension SDK and registry for socketify.

Names are loaded on first use, which keeps the import of the package cheap.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from .runtime import fork as forked  # noqa: F401  # it must see the fork

if TYPE_CHECKING:
    from .app import App, inspect, install
    from .errors import ExtensionError, HTTPError
    from .hookspecs import hookimpl
    from .registry.registry import Registry, load
    from .runtime.events import Event
    from .runtime.forms.form import Form
    from .runtime.forms.uploaded_file import UploadedFile
    from .runtime.outcome import Outcome
    from .runtime.request import Request
    from .runtime.response import Response
    from .runtime.scope import Scope
    from .runtime.websocket import WebSocket
    from .sdk.app_surface import AppSurface
    from .sdk.declaration import Extension, extension
    from .sdk.inspection import Inspection
    from .sdk.private_property import PrivateProperty
    from .sdk.route_info import RouteInfo
    from .sdk.route_surface import RouteSurface
    from .sdk.surface import Surface

__all__ = [
    "App",
    "AppSurface",
    "Event",
    "Extension",
    "ExtensionError",
    "Form",
    "HTTPError",
    "Inspection",
    "Outcome",
    "PrivateProperty",
    "Registry",
    "Request",
    "Response",
    "RouteInfo",
    "RouteSurface",
    "Scope",
    "Surface",
    "UploadedFile",
    "WebSocket",
    "extension",
    "hookimpl",
    "inspect",
    "install",
    "load",
]
__version__ = "0.1.0"

if "socketify" in sys.modules:
    # Its apps are made next, and uWebSockets would stay bound to the loop of the first one, which ends with it.
    importlib.import_module(".runtime.loop", __name__)

_HOMES = {
    "App": "app",
    "AppSurface": "sdk.app_surface",
    "Inspection": "sdk.inspection",
    "inspect": "app",
    "install": "app",
    "ExtensionError": "errors",
    "Extension": "sdk.declaration",
    "extension": "sdk.declaration",
    "hookimpl": "hookspecs",
    "HTTPError": "errors",
    "Event": "runtime.events",
    "Form": "runtime.forms.form",
    "Outcome": "runtime.outcome",
    "PrivateProperty": "sdk.private_property",
    "Registry": "registry.registry",
    "load": "registry.registry",
    "Request": "runtime.request",
    "Response": "runtime.response",
    "RouteInfo": "sdk.route_info",
    "RouteSurface": "sdk.route_surface",
    "Scope": "runtime.scope",
    "Surface": "sdk.surface",
    "UploadedFile": "runtime.forms.uploaded_file",
    "WebSocket": "runtime.websocket",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
