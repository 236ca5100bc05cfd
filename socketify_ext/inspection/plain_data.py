"""From plain data, as a child process or a file holds it, back to a description."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

from pydantic import TypeAdapter

from socketify_ext.sdk.pydantic_plugins import load_pydantic_plugins

Description = TypeVar("Description")


def rebuild(kind: type[Description], data: Any) -> Description:
    """Make the description that `dataclasses.asdict` has turned into plain data.

    Raises:
        ValidationError: the data is not that of this kind of description.
    """
    key: Any = kind
    found: Description = _adapter(key).validate_python(data)
    return found


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    load_pydantic_plugins()
    return TypeAdapter(kind)
