"""The seam into a stock app: its three `AppExtension` objects become adapters, and nothing is patched.

The core calls `extension(app._request_extension, app._response_extension, app._ws_extension)` in `App.register`;
a loaded extension upgrades these objects in place on the first call. From then on the core's own dispatch puts the
compiled classes behind each object it makes (`set_properties`), at a cost that does not grow with the members.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .. import errors
from ..binding import Binding, Classes
from ..declared_app import DeclaredApp
from ..declaration import Declaration
from ..registry import default_registry
from ..spec import TARGETS, ExtensionSpec, MemberSpec, Target
from ..surface import Source, Surface
from .core import core, ffi, reserved_names
from .request import Request

if TYPE_CHECKING:
    from ..declaration import Extension


class StockResponse(core.AppResponse):  # type: ignore[misc]  # the core has no types
    """The core's response, whose coroutines keep their request readable after the first await."""

    _request: Request | None = None

    def run_async(self, task: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine; if it suspends, snapshot the request before its memory goes to another one."""
        self.grab_aborted_handler()
        self.app.loop.run_async(task, self)
        request = self._request
        if request is not None and request.req is not None and getattr(task, "cr_frame", None) is not None:
            request.preserve()
            request.req = None


class Stock:
    """The managed side of one stock app, shared by its three adapters."""

    def __init__(self, adapters: dict[Target, Adapter], registry: Any) -> None:
        self.adapters = adapters
        self.response: Any = None
        bases: Classes = {
            "request": type("Request", (Request,), {"_buffer": ffi.new("char**")}),
            "response": StockResponse,
            "ws": core.WebSocket,
        }
        self.reserved = {target: reserved_names(target, bases[target]) for target in TARGETS}
        self.binding = Binding(None, registry, bases, self.reserved, self._commit)
        self._group: CodeType | None = None
        self._base: tuple[Declaration, ...] = ()
        self._members: list[MemberSpec] = []

    def _commit(self, classes: Classes, new: Sequence[Declaration]) -> None:
        for declaration in new:
            if declaration.app.needs_install:
                raise errors.InstallError(
                    f"extension {declaration.spec.provenance}",
                    "adds routes, start-up or shutdown functions",
                    "a stock app gives an extension no way to do that",
                    "Call socketify_ext.install(app) before it is registered",
                )
        for target, adapter in self.adapters.items():
            adapter.compiled = classes[target]

    def enter_member(self, target: Target, frame: FrameType, declare: Callable[[Surface], Any]) -> Any:
        """Validate one member that a bare function adds, told apart from other functions by its code.

        The core does not say when such a function begins or ends, so each member takes effect by itself; an error
        takes back what the same function has added.
        """
        if self._group is not frame.f_code:
            self._group, self._base, self._members = frame.f_code, self.binding.declarations, []
        members = list(self._members)
        source = Source(_free_name(frame.f_code.co_name, self._base))
        try:
            result = declare(Surface(target, source, members))
            provenance = source.at(frame.f_code.co_filename, frame.f_code.co_firstlineno)
            spec = ExtensionSpec(
                name=source.extension, provenance=provenance, members=tuple(members), identity=(frame.f_code,)
            )
            self.binding.declarations = self._base
            self.binding.enter((Declaration(spec, DeclaredApp(None, provenance)),))
        except BaseException:
            self.binding.rewind(self._base)
            self.end_group()
            raise
        self._members = members
        return result

    def end_group(self) -> None:
        """Note that whatever comes next is another function's."""
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
        """Tell the core to use its callbacks for extensions; it asks after each registration."""
        self.stock.end_group()
        return False

    def method(self, method: Any = None, /, **options: Any) -> Any:
        """Add a method; see `Surface.method`."""
        if method is None:
            return lambda function: self.method(function, **options)
        frame = sys._getframe(1)
        return self.stock.enter_member(self.target, frame, lambda surface: surface.method(method, **options))

    def property(self, name: str, *arguments: Any, **options: Any) -> None:
        """Add a property; see `Surface.property`."""
        frame = sys._getframe(1)
        place = frame.f_code.co_filename, frame.f_lineno
        self.stock.enter_member(
            self.target, frame, lambda surface: surface.declare_property(place, name, *arguments, **options)
        )

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


def _free_name(name: str, declarations: Sequence[Declaration]) -> str:
    taken = {declaration.spec.name for declaration in declarations}
    free, number = name.strip("<>_") or "extension", 1
    while free in taken:
        number += 1
        free = f"{name}~{number}"
    return free


def is_managed(value: Any) -> bool:
    """Tell whether an app's `AppExtension` has become an adapter."""
    return isinstance(value, Adapter)


def register(extension: Extension, request: Any, response: Any, ws: Any) -> None:
    """Register a loaded extension on the stock app whose three `AppExtension` objects these are.

    Raises:
        ExtensionError: see `docs/errors.md`; the app is as it was.
    """
    given: dict[Target, Any] = {"request": request, "response": response, "ws": ws}
    if not all(isinstance(value, core.AppExtension) for value in given.values()):
        raise errors.InstallError(
            f"extension {extension.provenance}",
            "was called",
            "it is called by app.register, with the core's own objects",
            'Write app.register(extension), or name it in another one\'s requires=["..."]',
        )
    stock = request.stock if isinstance(request, Adapter) else _adopt(given, extension)
    stock.end_group()
    stock.binding.register(extension)


def recorded_members(given: dict[Target, Any], source: Source) -> list[MemberSpec]:
    """Validate what the core's own `AppExtension` objects have recorded so far."""
    members: list[MemberSpec] = []
    for target, value in given.items():
        surface = Surface(target, source, members)
        # The core lets the last one of a name win.
        for name, function in dict(value.methods).items():
            surface.method(function, name=name)
        for name, default in dict(value.properties).items():
            surface.declare_property(("<before>", 0), name, default)
    return members


def earlier_declaration(given: dict[Target, Any]) -> Declaration | None:
    """Make one extension of all that was registered before this package came in, None where nothing was."""
    source = Source("earlier")
    members = recorded_members(given, source)
    if not members:
        return None
    provenance = members[0].provenance
    spec = ExtensionSpec(name="earlier", provenance=provenance, members=tuple(members), identity=(object(),))
    return Declaration(spec, DeclaredApp(None, provenance))


def _adopt(given: dict[Target, Any], extension: Extension) -> Stock:
    """Turn the three `AppExtension` objects into adapters, with what they have recorded before."""
    earlier = earlier_declaration(given)
    stock = Stock({}, extension.registry or default_registry())
    if earlier is not None:
        stock.binding.enter((earlier,))
    classes = stock.binding.compiled()
    for target, value in given.items():
        vars(value).clear()
        value.__class__ = Adapter
        value.target, value.stock, value.compiled = target, stock, classes[target]
        value.state = stock.reserved[target].state
        value.methods, value.properties = (), ("managed",)  # the core asks whether there are any
        stock.adapters[target] = value
    return stock

