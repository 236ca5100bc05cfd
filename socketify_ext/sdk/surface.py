"""The objects that an extension function gets: they record a declaration and change nothing."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from .. import errors
from .provenance import Provenance, source_location
from .spec import MISSING, MemberSpec, MethodSpec, PropertySpec, Target, validate

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Recording:
    """The members that an extension function has added so far; it takes more until the function returns."""

    members: list[MemberSpec] = field(default_factory=list)
    is_open: bool = True


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
        self, function: Function, /, *, name: str, override: bool = False, deprecated: str | None = None
    ) -> Function: ...
    @overload
    def method(
        self, /, *, name: str | None = None, override: bool = False, deprecated: str | None = None
    ) -> Callable[[Function], Function]: ...
    def method(
        self,
        function: Function | None = None,
        /,
        *,
        name: str | None = None,
        override: bool = False,
        deprecated: str | None = None,
    ) -> Function | Callable[[Function], Function]:
        """Add a method; works bare, `@request.method`, and with arguments.

        Args:
            function: a function that takes the request, response or socket as `self`; sync or async.
            name: the member's name, by default the function's own; lambdas and builtins need one.
            override: whether it may replace an attribute of the core or another extension's member.
            deprecated: what to use instead, and until when it works, as in "use get_user; gone in 2.0"; calls warn.

        Raises:
            MemberNameError, SignatureError: see `docs/errors.md`.
        """
        frame = sys._getframe(1)
        caller = frame.f_code.co_filename, frame.f_lineno
        given: dict[str, Any] = {"name": name, "override": override, "deprecated": deprecated}
        if function is None:
            return lambda decorated: self.declare_method(caller, decorated, **given)
        return self.declare_method(caller, function, **given)

    def declare_method(
        self,
        location: tuple[str, int],
        function: Function,
        *,
        name: str | None = None,
        override: bool = False,
        deprecated: str | None = None,
    ) -> Function:
        """Add a method that is declared at `location`, a file and a line; see `method`."""
        if inspect.isfunction(function):
            location = source_location(function)
        member = name if name is not None else getattr(function, "__name__", repr(function))
        provenance = self._provenance.at(*location)
        what = f"adds {self._target}.{member}"
        if name is None and inspect.isbuiltin(function):
            raise errors.MemberNameError(
                f"extension {provenance}",
                what,
                "it is a builtin",
                'Give a public name: method(..., name="...")',
            )
        values = {
            "target": self._target,
            "name": member,
            "function": function,
            "override": override,
            "deprecated": deprecated,
            "provenance": provenance,
        }
        self._add(validate(MethodSpec, provenance, what, values))
        return function

    def property(
        self,
        name: str,
        default: Any = MISSING,
        *,
        default_factory: Callable[[], Any] | None = None,
        type: Any = None,
        override: bool = False,
        default_value: Any = MISSING,
        deprecated: str | None = None,
    ) -> None:
        """Add a property with a default.

        A mutable default is copied, and a factory called, for each object on first access; nothing is shared.

        Args:
            name: a public identifier.
            default: the value of each object until one is set; None by default.
            default_factory: called without arguments for each object whose property is read.
            type: an annotation that the default must fit, as in `list[str]`.
            override: whether it may replace an attribute of the core or another extension's member.
            default_value: the core's own name of `default`.
            deprecated: what to use instead, as for `method`; reads and writes warn.

        Raises:
            MemberNameError, PropertyError: see `docs/errors.md`.
        """
        frame = sys._getframe(1)
        self.declare_property(
            (frame.f_code.co_filename, frame.f_lineno),
            name,
            default,
            default_factory=default_factory,
            type=type,
            override=override,
            default_value=default_value,
            deprecated=deprecated,
        )

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
        """Add a property that is declared at `location`, a file and a line; see `property`."""
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

    def _add(self, member: MemberSpec) -> None:
        if not self._recording.is_open:
            raise errors.DeclarationError(
                f"extension {member.provenance}",
                f"adds {member.target}.{member.name}",
                "its extension function has returned",
                "Add all members while it runs",
            )
        self._recording.members.append(member)
