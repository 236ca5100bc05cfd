# Types of the parts of socketify 0.0.31 that apps and handlers use; the core itself has none (PEP 561).

from typing import Any

from .dataclasses import AppListenOptions, AppOptions
from .helpers import MiddlewareRouter, middleware, sendfile
from .loop import Loop
from .socketify import App, AppExtension, CompressOptions, OpCode, SendStatus, WebSocket
from .socketify import AppRequest as Request
from .socketify import AppResponse as Response

ASGI: Any
WSGI: Any
SSGI: Any
TaskFactory: Any
RequestTask: Any
create_task: Any

__all__ = [
    "ASGI",
    "SSGI",
    "WSGI",
    "App",
    "AppExtension",
    "AppListenOptions",
    "AppOptions",
    "CompressOptions",
    "Loop",
    "MiddlewareRouter",
    "OpCode",
    "Request",
    "RequestTask",
    "Response",
    "SendStatus",
    "TaskFactory",
    "WebSocket",
    "create_task",
    "middleware",
    "sendfile",
]
