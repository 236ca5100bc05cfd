"""The request: reads the core's memory while it is valid, and a snapshot of it afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

from .. import errors
from .core import core, ffi, from_handle, lib, unpack
from .waiting import waiting

get_native_header = lib.uws_req_get_header

# Lower-cased, encoded header names; bounded, since a name may come from a client.
_KEYS: Final[dict[Any, bytes]] = {}
_LAST_INDEX: Final = 0xFFFF
_KEYS_LIMIT: Final = 1024


def _key(name: Any) -> bytes:
    key: bytes = (name if isinstance(name, bytes) else str(name).encode()).lower()
    if len(_KEYS) < _KEYS_LIMIT:
        _KEYS[name] = key
    return key


class Request(core.AppRequest):  # type: ignore[misc]  # the core has no types
    """An HTTP request.

    While its handler runs, reads go to the core's memory. When an `async` handler suspends, a snapshot of headers,
    url, query, parameters and method is taken, and reads go there. After the handler, a read of anything that no
    snapshot holds raises `RequestGoneError`.
    """

    # What the core's __init__ sets on each object; class attributes here, so that an object starts empty.
    app: Any = None
    req: Any = None
    read_jar: Any = None
    jar_parsed = False
    _for_each_header_handler = None
    _headers: dict[str, str] | None = None
    _params: list[str] | None = None
    _query: dict[str, list[str]] | None = None
    _url: str | None = None
    _full_url: str | None = None
    _method: str | None = None
    _ptr = None
    # Ours.
    _yielded = False  # left to the next matching route
    _repeated: list[tuple[str, str]] | None = None  # all headers, where the snapshot can't hold several of one name
    _response_key = 0  # the number of its response in `waiting`, from the handler's first await on
    # Out-parameter of the native getters, one for each app, since each app lives in one thread.
    _buffer: Any = ffi.new("char**")

    __init__ = object.__init__
    # The core's finaliser is Python code, run for each object; this one does nothing and costs a third.
    __del__ = object.__sizeof__

    def _gone(self) -> errors.RequestGoneError:
        return errors.RequestGoneError(
            "this request",
            "is over",
            "its handler has returned, and its memory belongs to other requests",
            "Read what you need in the handler, make the handler async def, or call req.preserve() first",
        )

    def get_header(self, lower_case_header: str) -> str | None:
        """Give the value of a header, or None; the first one where several have the name.

        Args:
            lower_case_header: the header's name, in any case.
        """
        headers = self._headers
        if headers is not None:
            found = headers.get(lower_case_header)
            return found if found is not None else headers.get(_key(lower_case_header).decode())
        req = self.req
        if req is None:
            raise self._gone()
        key = _KEYS.get(lower_case_header) or _key(lower_case_header)
        buffer = self._buffer
        length = get_native_header(req, key, len(key), buffer)
        address = buffer[0]
        if not address:
            return None
        try:
            value: str = unpack(address, length).decode()
        except UnicodeDecodeError:  # as in the core
            return None
        return value

    def _read(self, getter: Callable[..., int], *arguments: Any) -> str | None:
        req = self.req
        if req is None:
            raise self._gone()
        buffer = self._buffer
        length = getter(req, *arguments, buffer)
        address = buffer[0]
        if not address:
            return None
        try:
            value: str = unpack(address, length).decode()
        except UnicodeDecodeError:  # as in the core
            return None
        return value

    def for_each_header(self, handler: Callable[[str, str], Any]) -> None:
        """Call `handler(name, value)` for each header, names in lower case; values that are no UTF-8 are left out."""
        for item in self._all_headers():
            handler(*item)

    def _all_headers(self) -> Iterable[tuple[str, str]]:
        if self._repeated is not None:
            return self._repeated
        if self.req is None:
            if self._headers is None:
                raise self._gone()
            return self._headers.items()
        collected: list[tuple[str, str]] = []
        handle = ffi.new_handle(collected)
        lib.uws_req_for_each_header(self.req, on_header, handle)
        return collected

    def get_headers(self) -> dict[str, str]:
        """Give all headers, names in lower case; of several with one name the first, as `get_header` does."""
        headers = self._headers
        if headers is None:
            collected = self._all_headers()
            headers = self._headers = dict(collected)
            if isinstance(collected, list) and len(headers) != len(collected):
                self._repeated = collected
                first = dict(reversed(collected))
                headers = self._headers = {name: first[name] for name in headers}
        return headers

    def get_url(self) -> str | None:
        """Give the path, without the query."""
        if self._url is None:
            self._url = self._read(lib.uws_req_get_url)
        return self._url

    def get_full_url(self) -> str | None:
        """Give the path with the query."""
        if self._full_url is None:
            self._full_url = self._read(lib.uws_req_get_full_url)
        return self._full_url

    def get_method(self) -> str | None:
        """Give the method as it was sent."""
        if self._method is None:
            self._method = self._read(lib.uws_req_get_case_sensitive_method)
        return self._method

    def get_query(self, key: str | bytes) -> str | None:
        """Give the first value of a query key, or None where the key or its "=" is missing."""
        # Not by the core's getter: it decodes a value in place, so that a second read, of this value or of the
        # whole query, gives something else.
        name = key.decode() if isinstance(key, bytes) else key
        for part in self._query_string().split("&"):
            found, equals, value = part.partition("=")
            if equals and found == name:
                if "%" not in value and "+" not in value:
                    return value
                try:
                    return unquote_plus(value, errors="strict")
                except UnicodeDecodeError:  # as in the core
                    return None
        return None

    def _query_string(self) -> str:
        return (self.get_full_url() or "").partition("?")[2]

    def get_queries(self) -> dict[str, list[str]]:
        """Give all query keys with their values; keys without a value are left out, as in the core."""
        if self._query is None:
            self._query = parse_qs(self._query_string())
        return self._query

    def get_parameter(self, index: int) -> str | None:
        """Give the route parameter at `index`, or None."""
        if self._params is not None:
            return self._params[index] if 0 <= index < len(self._params) else None
        return self._native_parameter(index)

    def _native_parameter(self, index: int) -> str | None:
        return self._read(lib.uws_req_get_parameter, index) if 0 <= index <= _LAST_INDEX else None

    def get_parameters(self) -> list[str]:
        """Give all route parameters in order."""
        if self._params is None:
            found: list[str] = []
            while value := self._native_parameter(len(found)):
                found.append(value)
            self._params = found
        return self._params

    def _parsed_cookies(self) -> SimpleCookie | None:
        if not self.jar_parsed:
            self.jar_parsed = True
            raw = self.get_header("cookie")
            self.read_jar = _cookies(raw) if raw else None
        jar: SimpleCookie | None = self.read_jar
        return jar

    def get_cookie(self, name: str) -> str | None:
        """Give a cookie's value, or None."""
        jar = self._parsed_cookies()
        morsel = jar.get(name) if jar is not None else None
        return None if morsel is None else morsel.value

    def get_cookies(self) -> SimpleCookie | None:
        """Give all cookies, or None where the request has none."""
        return self._parsed_cookies()

    @property
    def response(self) -> Any:
        """Give the response of this request, for members that set a header or a cookie.

        None before the handler's first await, and once the head of the answer has gone or the client has left.
        """
        response = waiting.get(self._response_key)
        return None if response is None or response._begun else response

    def preserve(self) -> Request:
        """Take the snapshot now, so that everything can be read after the handler has returned."""
        if self.req is not None:
            self.get_headers()
            self.get_full_url()
            self.get_url()
            self.get_method()
            self.get_parameters()
        return self

    @property
    def has_body(self) -> bool:
        """Tell whether the request announces a body (RFC 9112, 6.3)."""
        return bool(self.get_header("transfer-encoding") or self.get_header("content-length") not in (None, "0"))

    def set_yield(self, has_yield: bool) -> None:
        """Leave the request to the next matching route."""
        if self.req is None:
            raise self._gone()
        self._yielded = bool(has_yield)
        lib.uws_req_set_yield(self.req, 1 if has_yield else 0)

    def get_yield(self) -> bool:
        """Tell whether the request was left to the next matching route."""
        if self.req is None:
            raise self._gone()
        return bool(lib.uws_req_get_yield(self.req))

    def is_ancient(self) -> bool:
        """Tell whether the client speaks HTTP/1.0."""
        if self.req is None:
            raise self._gone()
        return bool(lib.uws_req_is_ancient(self.req))


def _cookies(header: str) -> SimpleCookie:
    """Read a Cookie header (RFC 6265, 5.4); a malformed cookie does not hide the others, as it would in `http.cookies`."""
    jar = SimpleCookie()
    for pair in header.split(";"):
        name, _, coded = (part.strip() for part in pair.partition("="))
        morsel: Morsel[str] = Morsel()
        with contextlib.suppress(CookieError):
            morsel.set(name, jar.value_decode(coded)[0], coded)
            dict.__setitem__(jar, name, morsel)
    return jar


@ffi.callback("void(const char*, size_t, const char*, size_t, void*)")  # type: ignore[untyped-decorator]
def on_header(name: Any, name_length: int, value: Any, value_length: int, user_data: Any) -> None:
    """Collect one header."""
    try:
        item = unpack(name, name_length).decode(), unpack(value, value_length).decode()
    except UnicodeDecodeError:  # as in the core
        return
    from_handle(user_data).append(item)
