"""`PrivateProperty`: what an extension keeps on a request, a response or a WebSocket for itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, overload

Value = TypeVar("Value")

_ABSENT: Final[Any] = inspect.Parameter.empty


class PrivateProperty(Generic[Value]):
    """A value on each request, response or WebSocket that only the holder of this object reaches.

    Unlike a property that is declared on a surface it has no public name: no other extension collides with it, and it
    is not in anybody's types. Make one in the extension function or at module level.

    Args:
        name: what it holds, for a debugger.
        default: the value of each object until one is set; it is shared, so it must not be mutable.
        default_factory: makes the value of each object on first use, in place of a default, as `list` does.
    """

    __slots__ = ("_attribute", "_default", "_factory")

    @overload
    def __init__(self, name: str, default: Value) -> None: ...
    @overload
    def __init__(self, name: str, *, default_factory: Callable[[], Value]) -> None: ...
    def __init__(
        self, name: str, default: Any = _ABSENT, *, default_factory: Callable[[], Value] | None = None
    ) -> None:
        if (default is _ABSENT) is (default_factory is None):
            raise TypeError("a PrivateProperty takes a default or a default_factory, one of the two")
        self._attribute = f"_{name}_{id(self):x}"
        self._default = default
        self._factory = default_factory

    def get(self, owner: Any) -> Value:
        """Get the value of a request, a response or a WebSocket."""
        value: Value = getattr(owner, self._attribute, self._default)
        if value is _ABSENT and self._factory is not None:
            value = self._factory()
            self.set(owner, value)
        return value

    def set(self, owner: Any, value: Value) -> None:
        """Set the value of a request, a response or a WebSocket."""
        setattr(owner, self._attribute, value)
