"""`cart`: a list for each request."""

from __future__ import annotations

from typing import Any

from ..declaration import extension


@extension("cart")
def cart(request: Any, response: Any, ws: Any) -> None:
    """Collect items: `req.cart`, a fresh list for each request."""
    request.property("cart", default_factory=list, type=list[Any])
