"""`PrivateProperty`: what an extension keeps on a request, a response or a WebSocket for itself."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class PrivateProperty(Generic[Value]):
    """A value on each request, response or WebSocket that only the holder of this object reaches.

    Unlike a property that is declared on a surface it has no public name, and so no other extension collides with it.
    Make one in the extension function or at module level.

    Args:
        name: what it holds, for a debugger.
        default: the value of each object until one is set; it is shared, so it must not be mutable.
    """

    __slots__ = ("_attribute", "_default")

    def __init__(self, name: str, default: Value) -> None:
        self._attribute = f"_{name}_{id(self):x}"
        self._default = default

    def get(self, owner: Any) -> Value:
        """Get the value of a request, a response or a WebSocket."""
        value: Value = getattr(owner, self._attribute, self._default)
        return value

    def set(self, owner: Any, value: Value) -> None:
        """Set the value of a request, a response or a WebSocket."""
        setattr(owner, self._attribute, value)
