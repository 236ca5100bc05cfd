"""The options of `cart`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ...stores import check_secret, secret_list


class Options(BaseModel):
    """Options of `cart`: nothing for a cart that lives with its request, `store` and `secret` for one that is kept."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    store: str | None = Field(
        None, description="where carts are kept: memory://, sqlite:///carts.db, redis://host", repr=False
    )
    secret: str | list[str] | None = Field(
        None, description="signs the cookie of anonymous clients; a list to change it, newest first", repr=False
    )
    max_age: int = Field(30 * 24 * 3600, ge=1, description="seconds after its last change that a cart is kept")
    max_items: int = Field(100, ge=1, description="entries of one cart")
    max_quantity: int = Field(9999, ge=1, description="quantity of one sku")
    max_bytes: int = Field(64 * 1024, ge=64, description="size of one cart in the store")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="currency of what is added without one")
    cookie: str = Field("cart", pattern="^[A-Za-z0-9_-]+$", description="name of the cookie")
    cookie_secure: bool = Field(
        default=True, description="cookie over HTTPS only, named __Host-...; False for plain HTTP while you develop"
    )

    _check_secret = field_validator("secret")(check_secret)

    @model_validator(mode="after")
    def _together(self) -> Options:
        if (self.store is None) != (self.secret is None):
            raise PydanticCustomError("together", "store and secret go together: give both, or neither")
        return self

    @property
    def secrets(self) -> list[str]:
        """Return the secrets, the newest first."""
        return secret_list(self.secret)
