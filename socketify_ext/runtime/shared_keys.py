"""Shared keys of compiled classes (PEP 412): the attributes that their objects keep in a compact array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..sdk.spec import Target

if TYPE_CHECKING:
    from ..sdk.compilation import Classes

# Attributes that requests and responses often get while they are handled, in the usual order.
_OFTEN: Final[Mapping[Target, tuple[str, ...]]] = {
    "request": (
        "req",
        "_headers",
        "_url",
        "_full_url",
        "_method",
        "_params",
        "_query",
        "_parameter_names",
        "_is_preserved",
    ),
    "response": (
        "res",
        "_request",
        "_variables",
        "_unsent",
        "_unsent_type",
        "_answered",
        "_status",
        "_body_only",
        "_head",
        "_key",
        "_single_write",
        "_tasks",
        "_route",
    ),
}


def prime_shared_keys(target: Target, compiled: type, *further: str) -> None:
    """Prime the shared keys of a class: make one object with all attributes that others may get.

    CPython shares the names of attributes between the objects of a class, and takes new names from the first few
    objects only; an object that gets another one later changes to a dict of its own, which costs more than all else
    in writing a header.
    """
    one: Any = object.__new__(compiled)
    for name in (*_OFTEN[target], *further):
        setattr(one, name, None)


def prime_all_shared_keys(classes: Classes) -> None:
    """Prime the shared keys of the classes of requests and responses."""
    for target in _OFTEN:
        prime_shared_keys(target, classes[target])
