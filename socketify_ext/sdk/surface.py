"""The objects that an extension function gets: they record a declaration and change nothing."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar, overload

from .. import errors
from .provenance import Provenance, source_location
from .spec import MISSING, ComputedSpec, MemberSpec, MethodSpec, PropertySpec, Target, validate

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Decorator:
    """A call such as `request.property(name="user")`, whose result stands above a function."""

    provenance: Provenance
    call: str
    fix: str


@dataclass
class Recording:
    """The members that an extension function has added so far; it takes more until the function returns."""

    members: list[MemberSpec] = field(default_factory=list)
    unused: list[Decorator] = field(default_factory=list)
    is_open: bool = True

    def close(self) -> None:
        """Take no more members.

        Raises:
            DeclarationError: a decorator stands above no function.
        """
        self.is_open = False
        for decorator in self.unused:
            raise errors.DeclarationError(
                f"extension {decorator.provenance}",
                f"calls {decorator.call}",
                "that is a decorator, and stands above no function",
                decorator.fix,
            )


class Surface:
    """Record the methods and properties that an extension adds to one target."""

    def __init__(self, target: Target, provenance: Provenance, recording: Recording) -> None:
        self._target = target
        self._provenance = provenance
        self._recording = recording

    @overload
    def method(self, function: Function, /) -> Function: ...
    @overload
    def method(
        self,
        function: Function,
        /,
        *,
        name: str,
        override: bool = False,
        deprecated: str | None = None,
        example: str | None = None,
    ) -> Function: ...
    @overload
    def method(
        self,
        /,
        *,
        name: str | None = None,
        override: bool = False,
        deprecated: str | None = None,
        example: str | None = None,
    ) -> Callable[[Function], Function]: ...
    def method(
        self,
        function: Function | None = None,
        /,
        *,
        name: str | None = None,
        override: bool = False,
        deprecated: str | None = None,
        example: str | None = None,
    ) -> Function | Callable[[Function], Function]:
        """Add a method; works bare, `@request.method`, and with arguments.

        Args:
            function: a function that takes the request, response or socket as `self`; sync or async.
            name: the member's name, by default the function's own; lambdas and builtins need one.
            override: whether it may replace an attribute of the core or another extension's member.
            deprecated: what to use instead, and until when it works, as in "use get_user; gone in 2.0"; calls warn.
            example: a call for `socketify-ext check`, as in `'request.item("tea")'`, or several: see docs/check.md.

        Raises:
            MemberNameError, SignatureError: see `docs/errors.md`.
        """
        frame = sys._getframe(1)
        caller = frame.f_code.co_filename, frame.f_lineno
        options: dict[str, Any] = {"name": name, "override": override, "deprecated": deprecated, "example": example}
        if function is not None:
            return self.declare_method(caller, function, **options)

        def declare(decorated: Function) -> Function:
            return self.declare_method(caller, decorated, **options)

        return self._decorator("method", caller, declare, "Write it above a function")

    def declare_method(
        self,
        location: tuple[str, int],
        function: Function,
        *,
        name: str | None = None,
        override: bool = False,
        deprecated: str | None = None,
        example: str | None = None,
    ) -> Function:
        """Add a method that is declared at `location`, a file and a line; see `method`."""
        self._declare(MethodSpec, location, function, name, override=override, deprecated=deprecated, example=example)
        return function

    @overload
    def property(self, function: Function, /) -> Function: ...
    @overload
    def property(
        self,
        function: Function,
        /,
        *,
        name: str,
        type: Any = None,
        override: bool = False,
        deprecated: str | None = None,
    ) -> Function: ...
    @overload
    def property(
        self,
        /,
        *,
        name: str | None = None,
        type: Any = None,
        override: bool = False,
        deprecated: str | None = None,
    ) -> Callable[[Function], Function]: ...
    @overload
    def property(
        self,
        name: str,
        /,
        default: Any = ...,
        *,
        default_factory: Callable[[], Any] | None = None,
        type: Any = None,
        override: bool = False,
        default_value: Any = ...,
        deprecated: str | None = None,
    ) -> None: ...
    def property(
        self,
        what: Any = MISSING,
        /,
        default: Any = MISSING,
        *,
        name: str | None = None,
        default_factory: Callable[[], Any] | None = None,
        type: Any = None,
        override: bool = False,
        default_value: Any = MISSING,
        deprecated: str | None = None,
    ) -> Any:
        """Add a property that a function computes, or one with a default.

        `@request.property` above a function of `self` computes the value on first access, for each object that is asked,
        and the object keeps it. That of an `async def` is awaitable, any number of times, and the function runs once. It
        works bare and with `name`, `type` and `override`.

        `request.property("name", default)` has a default. A mutable default is copied, and a factory called, for each object
        on first access; nothing is shared.

        Args:
            what: the function, or the name.
            default: the value of each object until one is set; None by default.
            name: a public identifier, by default the function's own; lambdas and builtins need one.
            default_factory: called without arguments for each object whose property is read.
            type: an annotation that the default must fit, as in `list[str]`, or that of what the function computes, by default
                its return annotation.
            override: whether it may replace an attribute of the core or another extension's member.
            default_value: the core's own name of `default`.
            deprecated: what to use instead, as for `method`; reads and writes warn.

        Raises:
            MemberNameError, PropertyError, SignatureError: see `docs/errors.md`.
        """
        frame = sys._getframe(1)
        caller = frame.f_code.co_filename, frame.f_lineno
        given = {"default": default, "default_factory": default_factory, "default_value": default_value}
        options: dict[str, Any] = {"name": name, "type": type, "override": override, "deprecated": deprecated}
        if what is not MISSING or has_default(**given):
            return self.enter_property(caller, what, **options, **given)

        def declare(decorated: Function) -> Function:
            return self.declare_computed(caller, decorated, **options)

        fix = "Write it above a function" if name is None else f'Write it above a function, or property("{name}", None)'
        return self._decorator("property", caller, declare, fix)

    def enter_property(
        self, location: tuple[str, int], what: Any, default: Any = MISSING, *, name: str | None = None, **options: Any
    ) -> Any:
        """Add a property that is declared at `location`, a file and a line, by a function or with a default."""
        if isinstance(what, str) or what is MISSING:
            if isinstance(what, str) and name is not None:
                self._refuse_two(errors.MemberNameError, location, f"two names, {what!r} and {name!r}")
            found: Any = name if what is MISSING else what
            self.declare_property(location, found, default, **options)
            return self._misused(location, found)
        if has_default(default, **options):
            self._refuse_two(errors.PropertyError, location, "a function and a default")
        computing = {key: options[key] for key in ("type", "override", "deprecated") if key in options}
        return self.declare_computed(location, what, name=name, **computing)

    def declare_computed(
        self,
        location: tuple[str, int],
        function: Function,
        *,
        name: str | None = None,
        type: Any = None,
        override: bool = False,
        deprecated: str | None = None,
    ) -> Function:
        """Add a computed property that is declared at `location`, a file and a line; see `property`."""
        self._declare(ComputedSpec, location, function, name, override=override, type=type, deprecated=deprecated)
        return function

    def declare_property(
        self,
        location: tuple[str, int],
        name: str,
        default: Any = MISSING,
        *,
        default_factory: Callable[[], Any] | None = None,
        type: Any = None,
        override: bool = False,
        default_value: Any = MISSING,
        deprecated: str | None = None,
    ) -> None:
        """Add a property with a default that is declared at `location`, a file and a line; see `property`."""
        provenance = self._provenance.at(*location)
        what = f"adds {self._target}.{name}"
        if default is not MISSING and default_value is not MISSING:
            raise errors.PropertyError(
                f"extension {provenance}", what, "it has a default and a default_value", "Use one of the two"
            )
        if default is MISSING:
            default = default_value
        if default is MISSING and default_factory is None:
            default = None
        values = {
            "target": self._target,
            "name": name,
            "default": default,
            "default_factory": default_factory,
            "type": type,
            "override": override,
            "deprecated": deprecated,
            "provenance": provenance,
        }
        self._add(validate(PropertySpec, provenance, what, values))

    def _declare(
        self,
        spec: type[MethodSpec | ComputedSpec],
        location: tuple[str, int],
        function: Any,
        name: str | None,
        **values: Any,
    ) -> None:
        if inspect.isfunction(function):
            location = source_location(function)
        member = name if name is not None else getattr(function, "__name__", repr(function))
        provenance = self._provenance.at(*location)
        what = f"adds {self._target}.{member}"
        if name is None and inspect.isbuiltin(function):
            fix = f'Give a public name: {"method" if spec is MethodSpec else "property"}(..., name="...")'
            raise errors.MemberNameError(f"extension {provenance}", what, "it is a builtin", fix)
        common = {"target": self._target, "name": member, "function": function, "provenance": provenance}
        self._add(validate(spec, provenance, what, {**common, **values}))

    def _decorator(
        self, call: str, location: tuple[str, int], declare: Callable[[Function], Function], fix: str
    ) -> Callable[[Function], Function]:
        unused = self._recording.unused
        decorator = Decorator(self._provenance.at(*location), f"{self._target}.{call}(...)", fix)
        unused.append(decorator)

        def decorate(function: Function) -> Function:
            if decorator in unused:
                unused.remove(decorator)
            return declare(function)

        return decorate

    def _refuse_two(self, kind: type[errors.ExtensionError], location: tuple[str, int], both: str) -> NoReturn:
        who = f"extension {self._provenance.at(*location)}"
        raise kind(who, f"adds a property to {self._target}", f"it has {both}", "Use one of the two")

    def _misused(self, location: tuple[str, int], name: str) -> Callable[[Any], Any]:
        """Return what is called where `property("name")` stands above a function."""

        def refuse(_: Any) -> Any:
            raise errors.SignatureError(
                f"extension {self._provenance.at(*location)}",
                f'calls {self._target}.property("{name}") above a function',
                "that adds a property with a default",
                f'Write @{self._target}.property(name="{name}")',
            )

        return refuse

    def _add(self, member: MemberSpec) -> None:
        if not self._recording.is_open:
            raise errors.DeclarationError(
                f"extension {member.provenance}",
                f"adds {member.target}.{member.name}",
                "its extension function has returned",
                "Add all members while it runs",
            )
        self._recording.members.append(member)


def has_default(default: Any = MISSING, *, default_factory: Any = None, default_value: Any = MISSING, **_: Any) -> bool:
    """Whether a call of `Surface.property` gives a default, and so is not a decorator."""
    return default is not MISSING or default_value is not MISSING or default_factory is not None
