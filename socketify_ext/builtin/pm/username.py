"""The user of a socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .topics import MAX_NAME, is_username


def username_of(user_data: Any) -> str:
    """Read `username` of a socket's user data, a mapping or an object.

    Raises:
        LookupError: there is none.
    """
    given = user_data if isinstance(user_data, Mapping) else {"username": getattr(user_data, "username", None)}
    name: Any = given.get("username")
    if not is_username(name):
        raise LookupError(
            f"this WebSocket has no username of 1 to {MAX_NAME} characters: upgrade it with user_data={{'username': ...}}, "
            "as in res.upgrade(key, protocol, extensions, context, user_data)"
        )
    return str(name)
