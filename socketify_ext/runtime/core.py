"""The core as the runtime sees it: one import, and the names that it reserves.

Every private name of the core that this folder leans on is listed in `SEAM`; `tests/test_seam.py` fails when one
of them changes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from .. import errors
from ..sdk.resolution import Reserved
from ..sdk.spec import Target

try:
    import socketify
    from _cffi_backend import cast, from_handle, unpack  # what ffi's methods of these names call, at half the cost
    from socketify import socketify as core
    from socketify.native import ffi, lib, library_path
    from socketify.status_codes import status_codes
except OSError as error:  # the loader's own text names a file inside the core, not what to install
    missing = "the system library libuv (libuv.so.1) is not installed" if "libuv" in str(error) else str(error)
    raise errors.CoreUnavailableError(
        "socketify",
        "can't be loaded",
        missing,
        "Install it: apt-get install libuv1 (Debian, Ubuntu), dnf install libuv (Fedora), "
        "apk add libuv (Alpine), brew install libuv (macOS)",
    ) from None

__all__ = [
    "NULL",
    "SEAM",
    "OpCode",
    "SendStatus",
    "buffered_amount",
    "cast",
    "core",
    "ffi",
    "from_handle",
    "lib",
    "pause_reading",
    "pause_socket",
    "read_address",
    "reserved_names",
    "resume_reading",
    "resume_socket",
    "socketify",
    "status_codes",
    "unpack",
    "uv",
]

NULL: Final[Any] = ffi.NULL

# The core's finalisers call these at any moment, and cffi makes a function at its first use under a lock: one that is
# held while it reads a declaration, where a collection may come.
for _name in (
    "socketify_check_destroy",
    "socketify_destroy_loop",
    "socketify_timer_destroy",
    "us_listen_socket_close",
    "uws_app_destroy",
):
    getattr(lib, _name)

# What the core's library has and its own declarations leave out.
_more = type(ffi)()
_more.cdef("""
void us_poll_change(void *poll, void *loop, int events);
void us_socket_timeout(int ssl, void *socket, unsigned int seconds);
int uv_run(void *loop, int mode);
int uv_loop_fork(void *loop);
void uv_update_time(void *loop);
size_t uv_handle_size(int type);
void uv_close(void *handle, void *callback);
int uv_poll_init(void *loop, void *handle, int fd);
int uv_poll_start(void *handle, int events, void *callback);
int uv_timer_init(void *loop, void *handle);
int uv_timer_start(void *handle, void *callback, uint64_t timeout, uint64_t repeat);
int uv_timer_stop(void *handle);
""")
uv: Final[Any] = _more.dlopen(library_path)  # libuv is among what the core's library links
_change_poll: Final[Any] = uv.us_poll_change
_set_timeout: Final[Any] = uv.us_socket_timeout
_READABLE, _WRITABLE = 1, 2  # of libuv
_IDLE_TIMEOUT: Final = 10  # seconds, as the core's own for a client that sends a body
_VOID: Final = ffi.typeof("void *")
_SOCKET: Final = ffi.typeof("uws_websocket_t *")


def pause_reading(ssl: int, res: Any) -> None:
    """Stop reading from a response's client, however long.

    The core's own function asks for an event that starts the timeout again, and the client is dropped after 10 seconds.
    A response begins with the poll of its socket; with libuv its loop is not looked at.
    """
    socket = cast(_VOID, res)
    _set_timeout(ssl, socket, 0)
    _change_poll(socket, NULL, _WRITABLE if buffered_amount(ssl, res) else 0)


def resume_reading(ssl: int, res: Any, expects_more: bool) -> None:
    """Read from a response's client again; the core's own function for it pauses once more.

    Args:
        ssl: whether the app uses TLS.
        res: the response.
        expects_more: whether the client has to go on sending, and is dropped where it does not.
    """
    socket = cast(_VOID, res)
    if expects_more:
        _set_timeout(ssl, socket, _IDLE_TIMEOUT)
    _change_poll(socket, NULL, _READABLE | _WRITABLE if buffered_amount(ssl, res) else _READABLE)


def pause_socket(ssl: int, ws: Any) -> None:
    """Stop reading from a WebSocket's client; its idle timeout goes on."""
    _change_poll(cast(_VOID, ws), NULL, _WRITABLE if buffered_amount(ssl, ws) else 0)


def resume_socket(ssl: int, ws: Any) -> None:
    """Read from a WebSocket's client again."""
    _change_poll(cast(_VOID, ws), NULL, _READABLE | _WRITABLE if buffered_amount(ssl, ws) else _READABLE)


def buffered_amount(ssl: int, res: Any) -> int:
    """Return how many bytes of an answer wait for the client in the server's memory.

    The core has a function for WebSockets alone, which looks at what they have in common with responses.
    """
    return int(lib.uws_ws_get_buffered_amount(ssl, cast(_SOCKET, res)))


def read_address(getter: Callable[..., int], ssl: int, pointer: Any) -> bytes | None:
    """Return the address that a native getter finds for a response or a socket, None where there is none."""
    buffer = ffi.new("char**")
    length = getter(ssl, pointer, buffer)
    return unpack(buffer[0], length) if buffer[0] else None


OpCode: Final[Any] = socketify.OpCode
SendStatus: Final[Any] = socketify.SendStatus

# owner -> the private (or undocumented) names that this folder reads, sets or replaces
SEAM: Final[Mapping[str, tuple[str, ...]]] = {
    "App": (
        "_factory",
        "_json_serializer",
        "_on_shutdown_handler",
        "_on_start_handler",
        "_ptr",
        "_request_extension",
        "_response_extension",
        "_socket_refs",
        "_template",
        "_ws_extension",
        "_ws_factory",
        "app",
        "handlers",
        "loop",
        "run_async",
        "SSL",
    ),
    "AppExtension": ("bind_methods", "empty", "method", "methods", "properties", "property", "set_properties"),
    "AppRequest": (
        "_for_each_header_handler",
        "_full_url",
        "_headers",
        "_method",
        "_params",
        "_ptr",
        "_query",
        "_url",
        "app",
        "jar_parsed",
        "read_jar",
        "req",
    ),
    "AppResponse": (
        "_aborted_handler",
        "_chunkFuture",
        "_cork_handler",
        "_data",
        "_dataFuture",
        "_data_handler",
        "_grabbed_abort_handler_once",
        "_lastChunkOffset",
        "_ptr",
        "_writable_handler",
        "_write_jar",
        "aborted",
        "app",
        "res",
    ),
    "Loop": ("_keep_alive", "exception_handler", "loop", "run_async", "started", "stop", "uv_loop"),
    "WebSocket": (
        "_cork_handler",
        "_for_each_topic_handler",
        "_ptr",
        "app",
        "got_socket_data",
        "socket_data",
        "socket_data_id",
        "ws",
    ),
}

CORE_CLASSES: Final[Mapping[Target, type]] = {
    "request": core.AppRequest,
    "response": core.AppResponse,
    "ws": core.WebSocket,
}


@functools.cache
def reserved_names(target: Target, base: type) -> Reserved:
    """Find the names that members of `target` must not take: from the classes, and from one real core instance.

    Args:
        target: what the members are put on.
        base: the class that members are compiled on; what it adds to the core's class is public.
    """
    kind = CORE_CLASSES[target]
    state = frozenset(vars(kind(NULL, None)))
    return Reserved(public=frozenset(dir(base)) - state, state=state)
