"""The options of `sessions`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from socketify_ext.stores import check_secret, secret_list


class Options(BaseModel):
    """Options of `sessions`: where they are kept, for how long, and what their cookie is."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: str | list[str] = Field(description="signs the cookie; a list to change it, newest first", repr=False)
    store: str | None = Field(
        None, description="memory://, sqlite:///sessions.db or redis://host; None for the cookie itself", repr=False
    )
    idle_timeout: int = Field(24 * 3600, ge=1, description="seconds without use after which a session is over")
    absolute_timeout: int = Field(
        14 * 24 * 3600, ge=1, description="seconds after which a session is over, however much it is used"
    )
    max_bytes: int = Field(64 * 1024, ge=64, description="size of one session as JSON")
    cookie: str = Field("session", pattern="^[A-Za-z0-9_-]{1,64}$", description="name of the cookie")
    cookie_secure: bool = Field(
        default=True, description="cookie over HTTPS only, named __Host-...; False for plain HTTP while you develop"
    )

    automatic: bool = Field(
        default=False,
        description="load req.session before each handler and save its changes with the answer; a route says so for "
        "itself with session=True or False",
    )

    _check_secret = field_validator("secret")(check_secret)

    @property
    def secrets(self) -> list[str]:
        """Return the secrets, the newest first."""
        return secret_list(self.secret)
