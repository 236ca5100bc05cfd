"""`auth`: who is asking."""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ..declaration import extension
from ..surface import Surface

User = Mapping[str, Any]
Verify = Callable[[str], "Awaitable[User | None] | User | None"]

ANONYMOUS: Final = "Anonymous"


class Options(BaseModel):
    """Options of `auth`: exactly one way to verify a token."""

    model_config = ConfigDict(frozen=True)

    tokens: dict[str, dict[str, Any]] | None = Field(
        None, description='users by token, as in {"secret": {"name": "Test"}}', repr=False
    )
    verify: Callable[[str], Any] | None = Field(None, description="gives the user of a token, or None; sync or async")

    @model_validator(mode="after")
    def _one_way(self) -> Options:
        if (self.tokens is None) == (self.verify is None):
            raise PydanticCustomError(
                "one_way",
                'give either tokens={"secret": {"name": "Test"}} or verify=callable(token); '
                "accepting any token is no authentication",
            )
        for user in (self.tokens or {}).values():
            if not isinstance(user.get("name"), str):
                raise PydanticCustomError("name", "each user of tokens needs a name")
        return self


def find_user(tokens: Mapping[bytes, User], token: str) -> User | None:
    """Look a token up in a time that does not tell how much of it was right."""
    given = token.encode(errors="replace")
    found = None
    for known, user in tokens.items():
        if hmac.compare_digest(known, given):
            found = user
    return found


def token_of(request: Any) -> str | None:
    """Read the token: `Authorization: Bearer ...` (RFC 6750, 2.1), else the header `token`."""
    scheme, _, credentials = (request.get_header("authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return str(credentials).strip()
    return request.get_header("token") or None


@extension("auth", options=Options)
def auth(request: Surface, response: Surface, ws: Surface, *, options: Options) -> None:
    """Tell who is asking: `await req.get_user()`."""
    tokens = {token.encode(): user for token, user in (options.tokens or {}).items()}
    verify: Verify = options.verify or (lambda token: find_user(tokens, token))

    @request.method
    async def get_user(self: Any) -> User:
        """Give the user of the request's token, `{"name": "Anonymous"}` without a valid one."""
        token = token_of(self)
        user = verify(token) if token is not None else None
        if inspect.isawaitable(user):
            user = await user
        return {"name": ANONYMOUS} if user is None else dict(user)
