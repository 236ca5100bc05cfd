"""Security schemes: those that the extension `auth` has, and those that the options name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Security:
    """What the operations need, and the schemes that the document lists for it.

    Args:
        auth: the schemes that meet the route option `auth`, any of them; none where there is no `auth`.
        others: further schemes by name, always listed.
    """

    def __init__(self, auth: Mapping[str, Any], others: Mapping[str, Any]) -> None:
        self._auth = auth
        self._others = others
        self._is_used = False

    def of(self, options: Mapping[str, Any]) -> list[dict[str, Sequence[str]]] | None:
        """Return the alternatives that meet a route's option `auth`, None where it has none."""
        scopes = options.get("auth")
        if scopes is None or scopes is False or not self._auth:
            return None
        self._is_used = True
        wanted = list(scopes) if isinstance(scopes, (list, tuple)) else []
        return [{name: wanted} for name in self._auth]

    def used(self) -> dict[str, Any]:
        """Return the schemes that the document lists."""
        return {**(self._auth if self._is_used else {}), **self._others}
