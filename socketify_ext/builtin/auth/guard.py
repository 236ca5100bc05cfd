"""The route option `auth`: who is let in, without a call in the handler."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

from ...sdk.route_surface import RouteSurface
from .authentication import Authentication
from .user import User

RouteScopes = bool | str | list[str]
"""True for every user, or the scopes that one must have; False for anybody."""

# From the upgrade of a WebSocket to its opening: both run in one context.
_upgrading: Final[ContextVar[User | None]] = ContextVar("socketify_ext_auth_user", default=None)


class Guard:
    """Let nobody into a route but users with its scopes."""

    def __init__(self, authentication: Authentication) -> None:
        self._authentication = authentication

    def apply(self, route: RouteSurface, value: Any) -> None:
        """Put the guard on a route."""
        if value is False:
            return
        scopes: str | Iterable[str] = () if value is True else value

        async def require(res: Any, req: Any) -> None:
            self._authentication.require(await self._authentication.identity(req), scopes)

        async def require_for_socket(res: Any, req: Any) -> None:
            identity = await self._authentication.identity(req, upgrade=True)
            user = self._authentication.require(identity, scopes)
            self._authentication.hold(req, identity)
            _upgrading.set(user)

        if route.info.is_websocket:
            route.before_upgrade(require_for_socket)
            route.on_ws_open(_hand_over)
        else:
            route.before_request(require)


def _hand_over(ws: Any) -> None:
    """Give a socket its user, unless its route's own upgrade handler has given it data."""
    user = _upgrading.get()
    if user is not None and ws.get_user_data() is None:
        ws.set_user_data({"username": user.id, "user": user})
