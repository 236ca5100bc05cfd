"""The options of `sessions`."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

SECRET_LENGTH: Final = 16


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

    @field_validator("secret")
    @classmethod
    def _strong(cls, secret: str | list[str]) -> str | list[str]:
        keys = [secret] if isinstance(secret, str) else secret
        if not keys or any(len(key) < SECRET_LENGTH for key in keys):
            raise PydanticCustomError(
                "secret",
                f"a secret has {SECRET_LENGTH} characters at least: "
                'python -c "import secrets; print(secrets.token_urlsafe(32))"',
            )
        return secret

    @property
    def secrets(self) -> list[str]:
        """Give the secrets, newest first."""
        return [self.secret] if isinstance(self.secret, str) else list(self.secret)
