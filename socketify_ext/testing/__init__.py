"""The kit for testing extensions: real servers in processes of their own, and fakes for members without a server.

Names are loaded on first use, so that pytest starts without the core.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assembly import extension_app, isolated_registry
    from .fakes.making import fake_request, fake_response, fake_websocket
    from .fork_server import preload
    from .inject import Received, inject, started
    from .serving import Serving, serve

__all__ = [
    "Received",
    "Serving",
    "extension_app",
    "fake_request",
    "fake_response",
    "fake_websocket",
    "inject",
    "isolated_registry",
    "preload",
    "serve",
    "started",
]

_HOMES = {
    "Received": "inject",
    "Serving": "serving",
    "extension_app": "assembly",
    "fake_request": "fakes.making",
    "fake_response": "fakes.making",
    "fake_websocket": "fakes.making",
    "inject": "inject",
    "isolated_registry": "assembly",
    "preload": "fork_server",
    "serve": "serving",
    "started": "inject",
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
