"""The seam into a stock app: its three `AppExtension` objects become adapters, and nothing is patched.

The core calls `extension(app._request_extension, app._response_extension, app._ws_extension)` in `App.register`;
a loaded extension upgrades these objects in place on the first call. From then on the core's own dispatch puts the
compiled classes behind each object it makes (`set_properties`), at a cost that does not grow with the members.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Coroutine, Mapping
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .. import errors
from ..registration import Plan, Registration
from ..registry.registry import registry_of
from ..sdk.app_surface import AppSurface
from ..sdk.compilation import Classes, subclass
from ..sdk.declaration import Declaration, bare_name, free_name
from ..sdk.provenance import Provenance
from ..sdk.spec import (
    MISSING,
    TARGETS,
    ComputedSpec,
    ExtensionSpec,
    MemberSpec,
    MethodSpec,
    PropertySpec,
    Target,
    validate,
)
from ..sdk.surface import Recording, Surface, has_default
from . import loop as kept_loop  # noqa: F401 - uWebSockets stays bound to it when the app has gone
from .core import core, ffi, reserved_names
from .dispatched import dispatched_response
from .request import Request
from .request_body import MAX_BODY, too_large
from .response import Response
from .set_cookie import needs_secure, write_cookie

if TYPE_CHECKING:
    from ..sdk.declaration import Extension


class CookieLines(dict[tuple[str, str, str], str]):
    """Cookies in place of the core's jar, of which the core makes one header: each has a line of its own."""

    def output(self, header: str = "") -> str:
        """Return the value of the header that the core writes, and the lines after it."""
        return f"{header}\r\nSet-Cookie: ".join(self.values())


class StockResponse(core.AppResponse):  # type: ignore[misc]  # the core has no types
    """The core's response, whose coroutines keep their request readable after the first await."""

    _request: StockRequest | None = None
    _write_jar: CookieLines | None
    _asked: Any = None  # the future of the body
    _form: Any = None  # what `get_form` has read, or reads
    get_json = Response.get_json
    get_form = Response.get_form
    get_form_urlencoded = Response.get_form_urlencoded

    @property
    def request(self) -> StockRequest | None:
        """Get the request that this response answers."""
        return self._request

    def run_async(self, task: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine; if it suspends, snapshot the request before its memory goes to another one."""
        self.grab_aborted_handler()
        self.app.loop.run_async(task, self)
        request = self._request
        if request is not None and request.req is not None and getattr(task, "cr_frame", None) is not None:
            request.preserve()
            request.req = None
            request._late_response = self

    def set_cookie(
        self,
        name: str,
        value: str,
        options: Mapping[str, Any] | None = None,
        *,
        path: str | None = "/",
        **attributes: Any,
    ) -> StockResponse:
        """Set a cookie; see `Response.set_cookie`.

        Raises:
            HeaderError: a cookie can't have this name or attribute, or browsers would drop it.
            TypeError: the name or the value is not text.
        """
        cookie = write_cookie(name, value, options, path=path, **attributes)
        if self._write_jar is None:
            self._write_jar = CookieLines()
        self._write_jar[cookie.identity] = cookie.line
        return self

    def delete_cookie(self, name: str, *, secure: bool = False, **attributes: Any) -> StockResponse:
        """Delete a cookie on the client; see `Response.delete_cookie`.

        Raises:
            HeaderError: as for `set_cookie`.
        """
        return self.set_cookie(name, "", max_age=0, secure=secure or needs_secure(name), **attributes)

    def _check_in_time(self, what: str) -> None:
        """Check that the handler's first step goes on: a stock app drops the body at its end."""
        if self._request is not None and self._request.req is None:
            raise errors.BodyError(
                what,
                "comes too late",
                "the handler has awaited, and a stock app has dropped the body meanwhile",
                "Read the body before the first await, or call socketify_ext.install(app)",
            )

    def on_data(self, handler: Any) -> Any:
        """Call `handler(response, chunk, is_end)` for each part of the body.

        Raises:
            BodyError: the handler has awaited before.
        """
        self._check_in_time("on_data")
        return super().on_data(handler)

    def get_data(self, limit: int | None = None) -> Any:
        """Read the whole body, once or again.

        Args:
            limit: bytes, 1 MiB by default; the future of a larger body raises HTTPError, 413.

        Raises:
            BodyError: the handler has awaited before it asked for the first time.
        """
        if self._asked is not None:
            return self._asked
        self._check_in_time("get_data")
        self._asked = future = super().get_data()
        most = MAX_BODY if limit is None else limit
        received = 0
        collect: Any = vars(self)["_data_handler"]

        def collect_up_to(response: Any, chunk: Any, is_end: bool) -> None:
            nonlocal received
            received += len(chunk or b"")
            if future.done():
                return
            if received > most:
                self._data = None
                future.set_exception(too_large(most))
            else:
                collect(response, chunk, is_end)

        self._data_handler = collect_up_to
        return future

    def send(self, *arguments: Any, **options: Any) -> Any:
        """Answer in one call, unless the client has left: the core would write to memory that is gone."""
        return self if self.aborted else super().send(*arguments, **options)


class StockRequest(Request):
    """A request of a stock app, which finds its response without the table of an installed one."""

    _late_response: StockResponse | None = None
    _parameter_names = None  # the core does not tell which route has the request

    @property
    def response(self) -> Any:
        """Return the response of this request, None once the client has left."""
        response = self._late_response or dispatched_response(self, _is_of_core)
        # The core's pool may have given it to another request.
        return response if response is not None and response._request is self and not response.aborted else None

    @property
    def aborted(self) -> bool:
        """Whether the client has left before the answer."""
        response = self._late_response
        return response is not None and response._request is self and bool(response.aborted)


class Stock:
    """The managed side of one stock app, shared by its three adapters."""

    def __init__(self, adapters: dict[Target, Adapter], registry: Any) -> None:
        self.adapters = adapters
        self.response: Any = None
        bases: Classes = {
            "request": subclass(Request, {"_buffer": ffi.new("char**")}, bases=(StockRequest,)),
            "response": StockResponse,
            "ws": core.WebSocket,
        }
        self.reserved = {target: reserved_names(target, bases[target]) for target in TARGETS}
        self.registration = Registration(None, registry, bases, self.reserved)
        self._group: FrameType | None = None
        self._base = self.registration.current
        self._members: list[MemberSpec] = []

    def apply(self, plan: Plan) -> None:
        """Put a plan into effect, unless an extension needs an installed app."""
        for declaration in plan.new:
            if declaration.app.needs_install:
                raise errors.InstallError(
                    f"extension {declaration.spec.provenance}",
                    "adds routes, a serializer, request hooks, a backplane, start-up or shutdown functions",
                    "a stock app gives an extension no way to do that",
                    "Call socketify_ext.install(app) before it is registered",
                )
        self._exchange(plan)
        self.registration.complete(plan)

    def _exchange(self, plan: Plan) -> None:
        for target, adapter in self.adapters.items():
            adapter.compiled = plan.classes[target]

    def enter_member(self, target: Target, frame: FrameType, declare: Callable[[Surface], Any]) -> Any:
        """Validate one member that a bare function adds; functions are distinguished by their frames.

        The core does not say when such a function ends, so each member takes effect by itself; an error takes back
        what the same call of the function has added. A member that an earlier call has added changes nothing.
        """
        frame = _extension_frame(frame)
        if self._group is not frame:
            self._group, self._base, self._members = frame, self.registration.current, []
        recording = Recording(list(self._members))
        members = recording.members
        code = frame.f_code
        provenance = Provenance(self._free_name(code), code.co_filename, code.co_firstlineno)
        try:
            result = declare(Surface(target, provenance, recording))
            if self._is_known(members[-1], code):
                return result
            values = {
                "name": provenance.extension,
                "provenance": provenance,
                "members": tuple(members),
                "identity": (code,),
            }
            spec = validate(ExtensionSpec, provenance, "is malformed", values)
            declaration = Declaration(spec, AppSurface(None, provenance))
            self.apply(self.registration.plan_declared((declaration,), self._base))
        except BaseException:
            self._exchange(self._base)
            self.registration.current = self._base
            self.end_group()
            raise
        self._members = members
        return result

    def _is_known(self, member: MemberSpec, code: CodeType) -> bool:
        return any(
            _is_same(member, earlier)
            for declaration in self._base.declarations.values()
            if declaration.spec.identity == (code,)
            for earlier in declaration.spec.members
        )

    def _free_name(self, code: CodeType) -> str:
        return free_name(bare_name(code.co_name), lambda name: name in self._base.declarations)

    def end_group(self) -> None:
        """End the group: the next member belongs to another function."""
        self._group = None


class Adapter(core.AppExtension):  # type: ignore[misc]  # the core has no types
    """What an `AppExtension` becomes: it validates members, and swaps classes instead of binding each member."""

    target: Target
    stock: Stock
    compiled: type
    state: frozenset[str]
    bind_meth = None  # the core's WebSocket callbacks ask for it by this misspelt name

    @property
    def empty(self) -> bool:
        """Return False, so that the core uses its callbacks for extensions; it asks after each registration."""
        self.stock.end_group()
        return False

    def method(self, method: Any = None, /, **options: Any) -> Any:
        """Add a method; see `Surface.method`."""
        frame = sys._getframe(1)
        place = frame.f_code.co_filename, frame.f_lineno

        def add(function: Any) -> Any:
            return self.stock.enter_member(
                self.target, frame, lambda surface: surface.declare_method(place, function, **options)
            )

        return add if method is None else add(method)

    def property(self, what: Any = MISSING, /, *arguments: Any, **options: Any) -> Any:
        """Add a property; see `Surface.property`."""
        frame = sys._getframe(1)
        place = frame.f_code.co_filename, frame.f_lineno

        def add(what: Any) -> Any:
            return self.stock.enter_member(
                self.target, frame, lambda surface: surface.enter_property(place, what, *arguments, **options)
            )

        return add(what) if what is not MISSING or has_default(*arguments, **options) else add

    def bind_methods(self, instance: Any) -> None:
        """Do nothing: methods are on the class."""

    def set_properties(self, instance: Any) -> None:
        """Put the compiled class behind an object that the core has made or taken back into its pool."""
        instance.__class__ = self.compiled
        attributes = vars(instance)
        for name in attributes.keys() - self.state:
            del attributes[name]
        if self.target == "response":
            self.stock.response = instance
        elif self.target == "request":
            # The core hands over a response, then its request.
            response, self.stock.response = self.stock.response, None
            if response is not None:
                response._request = instance


def _is_of_core(code: CodeType) -> bool:
    """Check whether code is the core's, whose callbacks keep requests and responses in variables of these names."""
    return bool(code.co_filename == core.__file__)


def _extension_frame(frame: FrameType) -> FrameType:
    """Find the frame that the core's `App.register` called, from one at or below it."""
    caller: FrameType | None = frame
    while caller is not None and caller.f_back is not None:
        if caller.f_back.f_code is core.App.register.__code__:
            return caller
        caller = caller.f_back
    return frame


def _is_same(member: MemberSpec, earlier: MemberSpec) -> bool:
    """Check whether two calls of one function have declared the same member."""
    if (member.target, member.name) != (earlier.target, earlier.name):
        return False
    if isinstance(member, MethodSpec) and isinstance(earlier, MethodSpec):
        return bool(_substance(member.function) == _substance(earlier.function))
    if isinstance(member, ComputedSpec) and isinstance(earlier, ComputedSpec):
        return bool(_substance(member.function) == _substance(earlier.function) and member.type == earlier.type)
    if isinstance(member, PropertySpec) and isinstance(earlier, PropertySpec):
        given = [(each.default, _code(each.default_factory), each.type) for each in (member, earlier)]
        return bool(given[0] == given[1])
    return False


def _substance(function: Any) -> Any:
    """Return the parts that distinguish functions of one `def`: its code and the values it closes over."""
    contents = []
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # not filled yet
            contents.append(_code(cell.cell_contents))
    return _code(function), contents


def _code(value: Any) -> Any:
    return getattr(value, "__code__", value)


def is_managed(value: Any) -> bool:
    """Check whether an app's `AppExtension` has become an adapter."""
    return isinstance(value, Adapter)


def register(extension: Extension, request: Any, response: Any, ws: Any) -> None:
    """Register a loaded extension on the stock app whose three `AppExtension` objects these are.

    Raises:
        ExtensionError: see `docs/errors.md`; the app is as it was.
    """
    given: dict[Target, Any] = {"request": request, "response": response, "ws": ws}
    if not all(isinstance(value, core.AppExtension) for value in given.values()):
        raise errors.ArgumentError(
            f"extension {extension.provenance}",
            "was called",
            "it is called by app.register, with the core's own objects",
            'Write app.register(extension), or name it in another one\'s requires=["..."]',
        )
    stock = request.stock if isinstance(request, Adapter) else _adopt(given, extension)
    stock.end_group()
    stock.apply(stock.registration.plan(extension))


def recorded_members(given: dict[Target, Any], provenance: Provenance) -> list[MemberSpec]:
    """Validate what the core's own `AppExtension` objects have recorded so far."""
    recording = Recording()
    for target, value in given.items():
        surface = Surface(target, provenance, recording)
        # The core lets the last one of a name win.
        for name, function in dict(value.methods).items():
            surface.method(function, name=name)
        for name, default in dict(value.properties).items():
            surface.declare_property((provenance.file, provenance.line), name, default)
    return recording.members


def earlier_declaration(given: dict[Target, Any]) -> Declaration | None:
    """Make one extension of all that was registered before this package came in, None where nothing was."""
    members = recorded_members(given, Provenance("earlier", "<before>", 0))
    if not members:
        return None
    provenance = members[0].provenance
    values = {"name": "earlier", "provenance": provenance, "members": tuple(members), "identity": (object(),)}
    spec = validate(ExtensionSpec, provenance, "is malformed", values)
    return Declaration(spec, AppSurface(None, provenance))


def _adopt(given: dict[Target, Any], extension: Extension) -> Stock:
    """Turn the three `AppExtension` objects into adapters, with what they have recorded before."""
    earlier = earlier_declaration(given)
    stock = Stock({}, registry_of(extension))
    plan = stock.registration.plan_declared(() if earlier is None else (earlier,))
    for target, value in given.items():
        vars(value).clear()
        value.__class__ = Adapter
        value.target, value.stock, value.compiled = target, stock, plan.classes[target]
        value.state = stock.reserved[target].state
        value.methods, value.properties = (), ("managed",)  # the core asks whether there are any
        stock.adapters[target] = value
    stock.apply(plan)
    return stock
