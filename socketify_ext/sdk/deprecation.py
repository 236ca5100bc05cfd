"""Deprecated members: each place in a program that uses one gets a warning, with the provider and what to use instead."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from .spec import MemberSpec


def deprecated_method(member: MemberSpec, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that warns its caller, then calls `function`."""
    text = _text(member)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return function(*arguments, **options)

    if inspect.iscoroutinefunction(function) and hasattr(inspect, "markcoroutinefunction"):
        inspect.markcoroutinefunction(call)
    return call


class DeprecatedProperty:
    """Warn whoever reads, sets or deletes a property; `attribute` names the one that holds it."""

    def __init__(self, member: MemberSpec, attribute: str) -> None:
        self._text = _text(member)
        self._attribute = attribute

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        warnings.warn(self._text, DeprecationWarning, stacklevel=2)
        return getattr(instance, self._attribute)

    def __set__(self, instance: Any, value: Any) -> None:
        warnings.warn(self._text, DeprecationWarning, stacklevel=2)
        setattr(instance, self._attribute, value)

    def __delete__(self, instance: Any) -> None:
        warnings.warn(self._text, DeprecationWarning, stacklevel=2)
        delattr(instance, self._attribute)


def _text(member: MemberSpec) -> str:
    return f"{member.target}.{member.name} of extension {member.provenance} is deprecated: {member.deprecated}"
