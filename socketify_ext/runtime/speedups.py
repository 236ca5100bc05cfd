"""The compiled hot path in its place: in front of the classes of requests and responses, and as the native callback."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from . import compiled
from .core import cast, ffi, lib
from .headers import BODY_STATUSES, NAMES, OK
from .observed import Observed
from .pending import next_key, on_aborted, pending
from .request import _KEYS, Request
from .request_body import receive as receive_part
from .response import _JSON, _SENT, Response
from .routes import (
    Route,
    dispatch,
    drop_request,
    drop_unserved,
    handle_result,
    on_request,
    require_abort_handler,
    yield_response,
)
from .server_state import ServerState
from .websocket import _BINARY, _STATUS, _TEXT, WebSocket
from .websocket_routes import SocketRoute, on_message, receive

if TYPE_CHECKING:
    from contextvars import Context

MODULE, DESCRIPTION = compiled.find()

_FUNCTIONS: Final = (
    "socketify_res_cork_send",
    "uws_req_for_each_header",
    "uws_req_get_case_sensitive_method",
    "uws_req_get_full_url",
    "uws_req_get_header",
    "uws_req_get_parameter",
    "uws_publish",
    "uws_req_get_url",
    "uws_res_close",
    "uws_res_end",
    "uws_res_has_responded",
    "uws_res_on_aborted",
    "uws_res_on_data",
    "uws_ws_send_with_options",
)
# What the module sets and reads of a response before it looks whether that is plain.
_ALWAYS: Final = ("res", "_request", "_variables", "_unsent", "_unsent_type")
# What is called from within functions that the module does in place of Python.
_CALLED_FOR_REQUEST: Final = ("get_full_url", "get_headers", "get_method", "get_parameter", "_parameter_names")
_CALLED_FOR_RESPONSE: Final = ("_answer", "_answer_otherwise", "_body", "_deliver", "_is_bodiless")


def _behind(kind: type, module: Any) -> Iterator[type]:
    """Yield the classes of an object but those of the compiled module."""
    return (each for each in kind.__mro__ if each not in (module.RequestState, module.ResponseState))


def _is_as_in(base: type, kind: type, names: Iterable[str], module: Any) -> bool:
    """Check whether a class has the attributes of `names` from `base`, and from no other class in front of it."""
    return all(
        next((vars(each)[name] for each in _behind(kind, module) if name in vars(each)), None) is vars(base)[name]
        for name in names
    )


def _is_compiled(kind: Any, state: Any) -> bool:
    """Check whether objects of a class have the compiled state, and are made as all objects are."""
    made = (type, state.__new__, object.__init__)
    return isinstance(kind, type) and issubclass(kind, state) and (type(kind), kind.__new__, kind.__init__) == made  # type: ignore[misc]


def check_classes(module: Any, request: Any, response: Any) -> tuple[bool, bool, bool, bool]:
    """Check what the compiled module may take for granted of a route's classes.

    Returns:
        Whether the state of both is in its structs; whether functions that it calls for the request are ours, and the same
        for the response with all of its state; and whether the latter has an `_answered` that reports its end.
    """
    usable = (
        _is_compiled(request, module.RequestState)
        and _is_as_in(Request, request, module.REQUEST_STATE, module)
        and _is_compiled(response, module.ResponseState)
        and _is_as_in(Response, response, _ALWAYS, module)
    )
    is_observed = usable and issubclass(response, Observed)
    owner = Observed if is_observed else Response
    others = (name for name in module.RESPONSE_STATE if name != "_answered")
    return (
        usable,
        usable and _is_as_in(Request, request, _CALLED_FOR_REQUEST, module),
        usable
        and _is_as_in(Response, response, (*others, *_CALLED_FOR_RESPONSE), module)
        and _is_as_in(owner, response, ("_answered",), module),
        is_observed,
    )


def fail_request(route: Route, response: Response, request: Request, error: BaseException) -> None:
    """Handle an error of a handler, or of what came right after it, as its dispatch does.

    It is raised again, so that who handles it finds it in `sys.exc_info()`.
    """
    try:
        raise error  # noqa: TRY301 - see above
    except BaseException as raised:
        route.server.fail(raised, response, request, route.name)
        require_abort_handler(response)


def start_message(route: SocketRoute, coroutine: Coroutine[Any, Any, Any], variables: Context) -> None:
    """Run the coroutine of a handler of messages, as its dispatch does."""
    route.server.start(coroutine, None, None, f"{route.name} message", variables)


def fail_message(route: SocketRoute, error: BaseException) -> None:
    """Handle an error of a handler of messages, as its dispatch does; it is raised again, as in `fail_request`."""
    try:
        raise error  # noqa: TRY301 - see above
    except BaseException as raised:
        route.server.fail(raised, None, None, f"{route.name} message")


def _receive(ws: int, message: int, length: int, opcode: int, user_data: int) -> None:
    """Handle a message in Python."""
    receive(_SOCKET(ws), _TEXT_AT(message), length, opcode, _ANYTHING(user_data))


def _pointer(name: str) -> Callable[[int], Any]:
    return partial(cast, ffi.typeof(name))


def _address(pointer: Any) -> int:
    return int(cast(_NUMBER, pointer))


_NUMBER: Final = ffi.typeof("uintptr_t")
_SOCKET: Final = _pointer("uws_websocket_t *")
_TEXT_AT: Final = _pointer("char *")
_ANYTHING: Final = _pointer("void *")


def _bound_in_python(route: Route) -> tuple[Any, Any]:
    return on_request, route.handle


def _bound_in_c(route: Route) -> tuple[Any, Any]:
    route.binding = binding = MODULE.Binding(route)  # type: ignore[union-attr]
    return _callback, _ANYTHING(binding.address)


def _nothing() -> None:
    """Do nothing: no class is looked at."""


publish_plainly: Callable[..., bool | None] | None
"""Publish text or bytes from the server's own thread, without a backplane; returns None for any other publication."""
forget_classes: Callable[[], None]
"""Call it after a change of a class's attributes."""
native_message: Any
"""The core's callback for the messages of WebSockets."""
native_callback: Callable[[Route], tuple[Any, Any]]
"""Return the core's callback for a route, and what the core gives back to it."""

if MODULE is None:
    REQUEST_BASES: tuple[type, ...] = (Request,)
    RESPONSE_BASES: tuple[type, ...] = (Response,)
    WEBSOCKET_BASES: tuple[type, ...] = (WebSocket,)
    native_message = on_message
    native_callback, forget_classes, publish_plainly = _bound_in_python, _nothing, None
else:
    MODULE.configure(
        {
            **{name: _address(ffi.addressof(lib, name)) for name in _FUNCTIONS},
            "on_aborted": _address(on_aborted),
        },
        {
            "pointer_to_request": _pointer("uws_req_t *"),
            "pointer_to_response": _pointer("uws_res_t *"),
            "header_keys": _KEYS,
            "header_names": NAMES,
            "body_statuses": BODY_STATUSES,
            "ok_status": OK,
            "plain_type": b"text/plain",
            "sent_type": _SENT,
            "json_type": _JSON,
            "check_classes": partial(check_classes, MODULE),
            "dispatch_in_python": dispatch,
            "handle_result": handle_result,
            "yield_response": yield_response,
            "fail_request": fail_request,
            "drop_request": drop_request,
            "drop_unserved": drop_unserved,
            "pending": pending,
            "next_key": next_key,
            "make_address": _ANYTHING,
            "receive_part": receive_part,
            "address_of": _address,
            "send_statuses": tuple(_STATUS[number] for number in range(len(_STATUS))),
            "opcode_binary": _BINARY,
            "opcode_text": _TEXT,
            "message_in_python": _receive,
            "start_message": start_message,
            "fail_message": fail_message,
        },
        Route,
        SocketRoute,
        ServerState,
    )
    _callback = cast(ffi.typeof("uws_method_handler"), MODULE.on_request)
    REQUEST_BASES, RESPONSE_BASES = (MODULE.RequestState, Request), (MODULE.ResponseState, Response)
    WEBSOCKET_BASES = (MODULE.WebSocketState, WebSocket)
    native_message = cast(ffi.typeof("uws_websocket_message_handler"), MODULE.on_message)
    native_callback, forget_classes, publish_plainly = _bound_in_c, MODULE.forget_classes, MODULE.publish_plainly
