"""Compile a resolution to one subclass for each target: methods as plain class attributes, properties as defaults."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import Any

from .computed_property import computed_attribute
from .deprecation import DeprecatedProperty, deprecated_method
from .resolution import Resolution
from .spec import TARGETS, ComputedSpec, MemberSpec, MethodSpec, Target, is_immutable

Classes = Mapping[Target, type]
Attributes = Mapping[Target, Mapping[str, Any]]


class LazyDefault:
    """Make a property's value for each object on first access and set it as the object's own attribute."""

    def __init__(self, name: str, factory: Callable[[], Any]) -> None:
        self.name = name
        self.factory = factory

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self.factory()
        setattr(instance, self.name, value)
        return value


class ConstantDefault:
    """Return a property's value as it is, where a class attribute would bind it as a method."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else self.value


class BoundBuiltin:
    """Bind a builtin to its object, as a function does by itself."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self.function, instance)


def compile_attributes(resolution: Resolution, earlier: Attributes | None = None) -> Attributes:
    """Return the class attributes of the resolved members; those of an earlier resolution, which it extends, are kept."""
    attributes: dict[Target, dict[str, Any]] = {}
    for target in TARGETS:
        attributes[target] = dict(earlier[target]) if earlier else {}
    for (target, name), member in resolution.members.items():
        if name not in attributes[target]:
            attributes[target].update(_attributes(member))
    for settled in resolution.settled:
        attributes[settled.collision.target].update(_attributes(settled.winner))
    return attributes


def compile_classes(attributes: Attributes, bases: Classes) -> Classes:
    """Make a subclass of each base that has the attributes of its target.

    The cost of making an object does not grow with the number of members.
    """
    classes: dict[Target, type] = {}
    for target in TARGETS:
        classes[target] = subclass(bases[target], attributes[target])
    return classes


def subclass(base: type, attributes: Mapping[str, Any], *, bases: tuple[type, ...] = ()) -> type:
    """Make a subclass that has the name, module and docstring of `base`.

    Args:
        base: the class that the new one looks like.
        attributes: the attributes of the new class.
        bases: the classes that it derives from, where it is not `base` alone.
    """
    head = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    return type(base.__name__, bases or (base,), head | dict(attributes))


def _attributes(member: MemberSpec) -> Mapping[str, Any]:
    if member.deprecated is None:
        return {member.name: _attribute(member)}
    if isinstance(member, MethodSpec):
        return {member.name: deprecated_method(member, member.function)}
    held = f"{member.name} (deprecated)"  # no identifier, and so nobody else's
    inner = member.model_copy(update={"name": held})
    return {member.name: DeprecatedProperty(member, held), held: _attribute(inner)}


def _attribute(member: MemberSpec) -> Any:
    if isinstance(member, MethodSpec):
        return member.function if isinstance(member.function, FunctionType) else BoundBuiltin(member.function)
    if isinstance(member, ComputedSpec):
        return computed_attribute(member)
    default = member.default
    if member.default_factory is not None:
        return LazyDefault(member.name, member.default_factory)
    if is_immutable(default):
        return default
    if type(default) in (list, dict, set) and not default:
        return LazyDefault(member.name, type(default))
    original = copy.deepcopy(default)
    if original is default:  # a function, a class and other objects without copies
        return ConstantDefault(default)
    return LazyDefault(member.name, lambda: copy.deepcopy(original))
