"""A request that was sent to an app without a socket, and the native layer that reads it as the core's does."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Final

from ...runtime.core import NULL, ffi
from ...runtime.request import Request
from .request import RequestLibrary


class SentRequest:
    """What stands for the core's memory of a request: bytes as they are on the wire, header names in lower case.

    Attributes:
        parameters: of the route that is tried.
        has_yield: whether that has left the request to the next one.
    """

    def __init__(self, method: str, url: bytes, lines: list[tuple[bytes, bytes]]) -> None:
        self.method = method.encode()
        self.full_url = url
        self.url = url.partition(b"?")[0]
        self.lines = lines
        self.parameters: list[bytes] = []
        self.has_yield = False
        self._texts: dict[bytes, Any] = {}  # in memory that native pointers may lead to

    def first(self, name: bytes) -> bytes | None:
        """Return the value of the first header of a name."""
        return next((value for key, value in self.lines if key == name), None)

    def point(self, buffer: Any, text: bytes | None) -> int:
        """Let the out-parameter of a native getter point to bytes; return their number."""
        if text is None:
            buffer[0] = NULL
            return 0
        if text not in self._texts:
            self._texts[text] = ffi.new("char[]", text)
        buffer[0] = self._texts[text]
        return len(text)


class SentRequestLibrary(RequestLibrary):
    """The core's functions for requests: each takes a `SentRequest` in place of the core's memory."""

    def uws_req_get_header(self, req: SentRequest, name: bytes, _length: int, buffer: Any) -> int:
        """Find the first header of a name."""
        return req.point(buffer, req.first(name))

    def uws_req_get_parameter(self, req: SentRequest, index: int, buffer: Any) -> int:
        """Find a parameter of the route."""
        return req.point(buffer, req.parameters[index] if index < len(req.parameters) else None)

    def uws_req_get_url(self, req: SentRequest, buffer: Any) -> int:
        """Find the path."""
        return req.point(buffer, req.url)

    def uws_req_get_full_url(self, req: SentRequest, buffer: Any) -> int:
        """Find the path with the query."""
        return req.point(buffer, req.full_url)

    def uws_req_get_case_sensitive_method(self, req: SentRequest, buffer: Any) -> int:
        """Find the method."""
        return req.point(buffer, req.method)

    def uws_req_for_each_header(self, req: SentRequest, callback: Any, user_data: Any) -> None:
        """Call back for each header line."""
        for name, value in req.lines:
            callback(name, len(name), value, len(value), user_data)


_LIBRARY: Final = SentRequestLibrary()
# The functions that `Request` calls by names of its module, for speed.
_BY_NAME: Final = {
    "lib": _LIBRARY,
    "get_native_header": _LIBRARY.uws_req_get_header,
    "get_native_parameter": _LIBRARY.uws_req_get_parameter,
    "get_native_url": _LIBRARY.uws_req_get_url,
    "get_native_full_url": _LIBRARY.uws_req_get_full_url,
    "get_native_method": _LIBRARY.uws_req_get_case_sensitive_method,
}


def _rebound(kind: type) -> dict[str, Any]:
    """Return the methods of a class that call native functions, with ours in their place."""
    methods = {name: value for name, value in vars(kind).items() if isinstance(value, FunctionType)}
    return {
        name: FunctionType(
            method.__code__, {**method.__globals__, **_BY_NAME}, name, method.__defaults__, method.__closure__
        )
        for name, method in methods.items()
        if not _BY_NAME.keys().isdisjoint(method.__code__.co_names)
    }


class SentRequestBase(Request):
    """The base of requests that were sent without a socket; it stands behind all members."""

    vars().update(_rebound(Request))
    _lib: Any = _LIBRARY
    _get_native_header: Any = staticmethod(_LIBRARY.uws_req_get_header)
