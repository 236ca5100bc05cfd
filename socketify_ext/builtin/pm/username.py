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
    name = _told(user_data)
    if not is_username(name):
        raise LookupError(
            f"this WebSocket has no username of 1 to {MAX_NAME} characters: upgrade it with user_data={{'username': ...}}, "
            "as in res.upgrade(key, protocol, extensions, context, user_data)"
        )
    return str(name)


def has_username(user_data: Any) -> bool:
    """Check whether the user data has a username."""
    return is_username(_told(user_data))


def _told(user_data: Any) -> Any:
    return user_data.get("username") if isinstance(user_data, Mapping) else getattr(user_data, "username", None)
