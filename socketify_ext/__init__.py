"""The extension SDK and registry for socketify.

Names are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import forked  # noqa: F401  # it must see the fork

if TYPE_CHECKING:
    from .app import App, Inspection, inspect, install
    from .declaration import Extension, extension
    from .declared_app import DeclaredApp
    from .errors import ExtensionError
    from .hookspecs import hookimpl
    from .http_error import HTTPError
    from .registry import Registry, load
    from .request_hooks import Outcome
    from .runtime.request import Request
    from .runtime.response import Response
    from .runtime.websocket import WebSocket
    from .surface import Surface

__all__ = [
    "App",
    "DeclaredApp",
    "Extension",
    "ExtensionError",
    "HTTPError",
    "Inspection",
    "Outcome",
    "Registry",
    "Request",
    "Response",
    "Surface",
    "WebSocket",
    "extension",
    "hookimpl",
    "inspect",
    "install",
    "load",
]

_HOMES = {
    "App": "app",
    "DeclaredApp": "declared_app",
    "Inspection": "app",
    "inspect": "app",
    "install": "app",
    "ExtensionError": "errors",
    "Extension": "declaration",
    "extension": "declaration",
    "hookimpl": "hookspecs",
    "HTTPError": "http_error",
    "Outcome": "request_hooks",
    "Registry": "registry",
    "load": "registry",
    "Request": "runtime.request",
    "Response": "runtime.response",
    "Surface": "surface",
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
