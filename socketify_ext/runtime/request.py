"""The request: reads the core's memory while it is valid, and a snapshot of it afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar, overload

from .. import errors
from .cookies import cookie_pairs, read_cookies
from .core import core, ffi, from_handle, lib, unpack
from .dispatched import dispatched_response
from .encoding import exact_bytes
from .files.coding import preferred
from .parameters import EnteredNames, read_parameter
from .pending import pending
from .query import checked_key, query_pairs, query_value, query_values
from .thread import ANY_THREAD, get_ident, wrong_thread
from .typed_input import fit_parameters, fit_queries

T = TypeVar("T")

get_native_header = lib.uws_req_get_header
get_native_parameter = lib.uws_req_get_parameter
get_native_url = lib.uws_req_get_url
get_native_full_url = lib.uws_req_get_full_url
get_native_method = lib.uws_req_get_case_sensitive_method

# Lower-cased, encoded header names; bounded, since a name may come from a client.
_KEYS: Final[dict[Any, bytes]] = {}
_LAST_INDEX: Final = 0xFFFF
_KEYS_LIMIT: Final = 1024
_LIST: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+', re.DOTALL)  # an element with quoted strings in it


def _key(name: Any) -> bytes:
    key = exact_bytes(name)
    if key is None:
        raise TypeError(f"a header's name is text, not a {type(name).__name__}")
    key = key.lower()
    if len(_KEYS) < _KEYS_LIMIT and type(name) in (str, bytes):
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
    _yielded = False  # to the next matching route
    _repeated: list[tuple[bytes, bytes]] | None = None  # all header lines, where the snapshot can't hold each
    _is_preserved = False  # all that a snapshot holds is in it
    _client_left = False  # before the answer, and after the handler's first step
    _parameter_names: Any = EnteredNames()  # None where they are not known
    _response_key = 0  # the number of its response in `pending`, where something comes after the handler's first step
    # The native layer of what a snapshot does not hold; a fake has one that records.
    _lib: Any = lib
    _get_native_header: Any = get_native_header
    # Out-parameter of the native getters, one for each app, since each app lives in one thread.
    _buffer: Any = ffi.new("char**")
    _thread: Any = ANY_THREAD

    __init__ = object.__init__
    # The core's finaliser is Python code, run for each object; this one does nothing and costs a third.
    __del__ = object.__sizeof__

    def _native(self) -> Any:
        """Return the core's request, to the thread that it belongs to.

        Raises:
            ThreadError: this is another one, which reads a request that is preserved.
            RequestGoneError: the handler has returned.
        """
        if get_ident() != self._thread:
            raise wrong_thread("this request", "what no snapshot holds")
        req = self.req
        if req is None:
            raise self._gone()
        return req

    def _gone(self) -> errors.RequestGoneError:
        return errors.RequestGoneError(
            "this request",
            "is over",
            "its handler has returned, and its memory belongs to other requests",
            "Read what you need in the handler, make the handler async def, or call req.preserve() first",
        )

    def get_header(self, lower_case_header: str) -> str | None:
        """Return the value of a header, or None; the first one where several have the name.

        Args:
            lower_case_header: the header's name, in any case.
        """
        headers = self._headers
        if headers is not None:
            found = headers.get(lower_case_header)
            return found if found is not None else headers.get(_key(lower_case_header).decode())
        req = self.req
        if req is None or get_ident() != self._thread:
            req = self._native()
        try:
            key = _KEYS[lower_case_header]
        except KeyError:
            key = _key(lower_case_header)
        buffer = self._buffer
        length = get_native_header(req, key, len(key), buffer)
        if not length:
            return "" if buffer[0] else None
        try:
            value: str = unpack(buffer[0], length).decode()
        except UnicodeDecodeError:  # as in the core
            return None
        return value

    def get_header_list(self, name: str) -> list[str]:
        """Return the elements of a header that is a list, of all its lines in order (RFC 9110, 5.3 and 5.6.1).

        Elements are stripped, empty ones are left out, and bytes that are not UTF-8 are replaced, so that none moves.

        Args:
            name: the header's name, in any case.
        """
        return [element for line in self.get_header_lines(name) for element in _elements(line)]

    def get_accepted_codings(self, offered: Sequence[str]) -> list[str]:
        """Return the content codings that the client likes as well as none or better, best first (RFC 9110, 12.5.3).

        Args:
            offered: those that there are, as in `("zstd", "br", "gzip")`, in the order that decides between equals.
        """
        return preferred(self.get_header_list("accept-encoding"), offered)

    def get_header_lines(self, name: str) -> list[str]:
        """Return the values of all lines of a header, in order, bytes that are not UTF-8 replaced.

        For a header that may stand there only once, such as `Authorization`: two lines say two things.

        Args:
            name: the header's name, in any case.
        """
        key = _key(name)
        if self._headers is None:
            if not get_native_header(self._native(), key, len(key), self._buffer) and not self._buffer[0]:
                return []
            self.get_headers()  # all of them are read for one, so that the next one costs nothing
        if self._repeated is None:
            value = self.get_headers().get(key.decode())
            return [] if value is None else [value]
        return [value.decode(errors="replace") for each, value in self._repeated if each == key]

    def _raw_lines(self) -> list[tuple[bytes, bytes]]:
        """Return all header lines, names in lower case."""
        if self._repeated is not None:
            return self._repeated
        if self._headers is not None:
            return [(name.encode(), value.encode()) for name, value in self._headers.items()]
        return self._collect()

    def _collect(self) -> list[tuple[bytes, bytes]]:
        collected: list[tuple[bytes, bytes]] = []
        lib.uws_req_for_each_header(self._native(), on_header, ffi.new_handle(collected))
        return collected

    def _read(self, getter: Callable[[Any, Any], int]) -> str | None:
        req = self.req
        if req is None or get_ident() != self._thread:
            req = self._native()
        buffer = self._buffer
        return _text(buffer, getter(req, buffer))

    def for_each_header(self, handler: Callable[[str, str], Any]) -> None:
        """Call `handler(name, value)` for each header, names in lower case; values that are not UTF-8 are left out."""
        for item in self._all_headers():
            handler(*item)

    def _all_headers(self) -> Iterable[tuple[str, str]]:
        if self._repeated is not None:
            return _decoded(self._repeated)
        return self.get_headers().items() if self._headers is not None else _decoded(self._collect())

    def get_headers(self) -> dict[str, str]:
        """Return all headers, names in lower case; of several with one name the first, as `get_header` does."""
        headers = self._headers
        if headers is None:
            lines = self._collect()
            try:
                headers = {name.decode(): value.decode() for name, value in lines}
            except UnicodeDecodeError:
                headers = {}
            if len(headers) != len(lines):
                self._repeated = lines
                first: dict[bytes, bytes] = {}
                for name, value in lines:
                    first.setdefault(name, value)
                headers = dict(_decoded(first.items()))
            self._headers = headers
        return headers

    def get_url(self) -> str | None:
        """Return the path, without the query."""
        if self._url is None:
            self._url = self._read(get_native_url)
        return self._url

    def get_full_url(self) -> str | None:
        """Return the path with the query."""
        if self._full_url is None:
            self._full_url = self._read(get_native_full_url)
        return self._full_url

    def get_method(self) -> str | None:
        """Return the method as it was sent."""
        if self._method is None:
            self._method = self._read(get_native_method)
        return self._method

    def get_query(self, key: str | bytes) -> str | None:
        """Return the first value of a query key, "" for a key without a value, None without the key."""
        # Not by the core's getter: it decodes a value in place, so that a second read, of this value or of the
        # whole query, returns something else.
        return query_value(self._full_url or self.get_full_url() or "", key)

    def get_query_list(self, key: str | bytes) -> list[str]:
        """Return all values of a query key, in order."""
        name = checked_key(key)
        return [value for each, value in query_pairs(self.get_full_url() or "") if each == name]

    @overload
    def get_queries(self) -> dict[str, list[str]]: ...

    @overload
    def get_queries(self, Model: type[T]) -> T: ...

    @overload
    def get_queries(self, Model: Any) -> Any: ...

    def get_queries(self, Model: Any = None) -> Any:
        """Return all query keys with their values; that of a key without a value is "".

        Args:
            Model: what to return them as, where it is given: anything that pydantic validates, or a msgspec Struct. A key
                whose type is a list, set or tuple gets all of its values, any other one the last.

        Raises:
            HTTPError: 422, they do not fit the model, with pydantic's details.
        """
        if Model is not None:
            return fit_queries(self, Model)
        if self._query is None:
            self._query = query_values(self.get_full_url() or "")
        return self._query

    @overload
    def get_parameter(self, index: str) -> str: ...

    @overload
    def get_parameter(self, index: int) -> str | None: ...

    def get_parameter(self, index: int | str) -> str | None:
        """Return a route parameter.

        Args:
            index: its name in the route's path, as `"id"` of `/users/:id`, for the value percent-decoded; or its position,
                for the value as it was sent, None where there is none.

        Raises:
            ParameterError: the path has no parameter of this name.
        """
        if type(index) is not int:
            return read_parameter(self, index)
        if self._params is not None:
            return self._params[index] if 0 <= index < len(self._params) else None
        return self._native_parameter(index)

    def _native_parameter(self, index: int) -> str | None:
        if not 0 <= index <= _LAST_INDEX:
            return None
        req = self.req
        if req is None or get_ident() != self._thread:
            req = self._native()
        buffer = self._buffer
        return _text(buffer, get_native_parameter(req, index, buffer))

    @overload
    def get_parameters(self) -> list[str]: ...

    @overload
    def get_parameters(self, Model: type[T]) -> T: ...

    @overload
    def get_parameters(self, Model: Any) -> Any: ...

    def get_parameters(self, Model: Any = None) -> Any:
        """Return all route parameters in order, as they were sent.

        Args:
            Model: what to return them as, where it is given, by their names in the route's path and percent-decoded: anything
                that pydantic validates, or a msgspec Struct.

        Raises:
            HTTPError: 422, they do not fit the model, with pydantic's details.
            ParameterError: their names are not known, as on a stock app.
        """
        if Model is not None:
            return fit_parameters(self, Model)
        if self._params is None:
            found: list[str] = []
            while value := self._native_parameter(len(found)):
                found.append(value)
            self._params = found
        return self._params

    def get_header_names(self) -> list[str]:
        """Return the names of all header lines in order, in lower case, those included whose values are not UTF-8."""
        if self._headers is None:
            self.get_headers()
        return [name.decode(errors="replace") for name, _ in self._raw_lines()]

    def _parsed_cookies(self) -> dict[str, str]:
        if not self.jar_parsed:
            self.read_jar = read_cookies(self.get_header_lines("cookie"))
            self.jar_parsed = True
        jar: dict[str, str] = self.read_jar
        return jar

    def get_cookie(self, name: str) -> str | None:
        """Return a cookie's value as it was passed to `set_cookie`, or None; the first one where several have the name."""
        return self._parsed_cookies().get(name)

    def get_cookie_list(self, name: str) -> list[str]:
        """Return the values of all cookies of a name: a neighbouring site may have set one beside the real one."""
        return [value for each, value in cookie_pairs(self.get_header_lines("cookie")) if each == name]

    def get_cookies(self) -> dict[str, str]:
        """Return all cookies by name."""
        return dict(self._parsed_cookies())

    @property
    def response(self) -> Any:
        """Return the response of this request, for members that set a header or a cookie.

        None once the request is answered, the head of the answer has gone, or the client has left.
        """
        response = pending.get(self._response_key) or self._dispatched_response()
        return None if response is None or response._answered or response._head_sent else response

    def _dispatched_response(self) -> Any:
        return dispatched_response(self)

    @property
    def aborted(self) -> bool:
        """Whether the client has left before the answer, where an answer is still to come after the first await."""
        return self._client_left

    def preserve(self) -> Request:
        """Take the snapshot now, so that all of it can be read after the handler has returned."""
        if self.req is None or self._is_preserved:
            return self
        self.get_headers()
        self.get_full_url()
        if self._full_url is None:  # an extension has put another `get_full_url` in place of this one
            self.get_url()
        else:
            self._url = self._full_url.partition("?")[0]
        self.get_method()
        names = self._parameter_names
        if names == ():
            self._params = []
        elif self.get_parameters():
            self._parameter_names = names
        self._is_preserved = True
        return self

    @property
    def has_body(self) -> bool:
        """Return whether the request announces a body (RFC 9112, 6.3)."""
        return bool(self.get_header("transfer-encoding") or self.get_header("content-length") not in (None, "0"))

    def set_yield(self, has_yield: bool) -> None:
        """Yield the request to the next matching route."""
        has_yield = bool(has_yield)
        req = self._native()
        self._yielded = has_yield
        self._lib.uws_req_set_yield(req, has_yield)

    def get_yield(self) -> bool:
        """Return whether the request was yielded to the next matching route."""
        return bool(self._lib.uws_req_get_yield(self._native()))

    def is_ancient(self) -> bool:
        """Return whether the client speaks HTTP/1.0."""
        return bool(self._lib.uws_req_is_ancient(self._native()))


def _text(buffer: Any, length: int) -> str | None:
    """Return what a native getter has found; bytes that are not UTF-8 are replaced."""
    address = buffer[0]
    if not address:
        return None
    data: bytes = unpack(address, length)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace")


def _elements(line: str) -> Iterable[str]:
    """Split a line at its commas, but for those inside quoted strings."""
    parts = line.split(",") if '"' not in line else _LIST.findall(line)
    return filter(None, (part.strip() for part in parts))


def _decoded(lines: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    """Decode header lines; a line that is not UTF-8 is left out, as in the core."""
    for name, value in lines:
        try:
            yield name.decode(), value.decode()
        except UnicodeDecodeError:
            continue


@ffi.callback("void(const char*, size_t, const char*, size_t, void*)")  # type: ignore[untyped-decorator]
def on_header(name: Any, name_length: int, value: Any, value_length: int, user_data: Any) -> None:
    """Collect one header."""
    from_handle(user_data).append((unpack(name, name_length), unpack(value, value_length)))
