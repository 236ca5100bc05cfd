"""The extension `auth`: its members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from .authentication import Authentication
from .guard import Guard, RouteScopes
from .options import Options
from .user import ANONYMOUS, User

if TYPE_CHECKING:
    from socketify_ext import Request, Response, WebSocket


@extension("auth", options=Options, before=["pm"])
def auth(request: Surface, response: Surface, ws: Surface, *, options: Options, app: AppSurface) -> None:
    """Authenticate the user: `await req.get_user()`, also over WebSockets; routes with `auth=True` let nobody else in."""
    authentication = Authentication(options)
    if app.is_installed:
        app.route_option("auth", type=RouteScopes, apply=Guard(authentication).apply)

    @request.method
    async def get_user(self: Request) -> User:
        """Get the user of the request's token; without a valid one the anonymous user, `{"name": "Anonymous"}`."""
        return (await authentication.identity(self)).user

    @request.method
    async def require_user(self: Request, scopes: str | Iterable[str] = ()) -> User:
        """Get the user of the request's token, who must have all `scopes`.

        Raises:
            HTTPError: 401 without a valid token, 403 without a scope, 400 with two tokens; `WWW-Authenticate` says
                what is needed (RFC 6750, 3).
        """
        return authentication.require(await authentication.identity(self), scopes)

    @response.method
    async def upgrade_authenticated(
        self: Response,
        req: Request,
        context: Any,
        user_data: Mapping[str, Any] | None = None,
        *,
        scopes: str | Iterable[str] = (),
    ) -> bool:
        """Make a WebSocket of the request of a user, who must have all `scopes`.

        The token may stand in the query, too. One in a cookie counts only from an allowed `Origin` (RFC 6455, 10.2).
        The socket's user data are those given, with `username`, which is the user's id, and `user`.

        Returns:
            False where the client has left.

        Raises:
            HTTPError: as `require_user`; 403 for a cookie from the wrong `Origin`.
            TypeError: the user data are no mapping.
        """
        if user_data is not None and not isinstance(user_data, Mapping):
            raise TypeError(f"upgrade_authenticated takes a mapping as user_data, not a {type(user_data).__name__}")
        identity = await authentication.identity(req, upgrade=True)
        user = authentication.require(identity, scopes)
        authentication.hold(req, identity)  # where `get_user` finds it
        key, protocol, extensions = (
            req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions")
        )
        data = {**(user_data or {}), "username": user.id, "user": user}
        return bool(self.upgrade(key, protocol, extensions, context, data))

    @ws.method(name="get_user")
    def get_socket_user(self: WebSocket) -> User:
        """Get the user that `res.upgrade_authenticated` found; after any other upgrade the anonymous user."""
        data = self.get_user_data()
        user = data.get("user") if isinstance(data, Mapping) else None
        return user if isinstance(user, User) else ANONYMOUS
