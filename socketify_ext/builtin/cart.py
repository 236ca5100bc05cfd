"""`cart`: a list for each request."""

from __future__ import annotations

from typing import Any

from ..declaration import extension
from ..surface import Surface


@extension("cart")
def cart(request: Surface, response: Surface, ws: Surface) -> None:
    """Collect items: `req.cart`, a fresh list for each request."""
    request.property("cart", default_factory=list, type=list[Any])
