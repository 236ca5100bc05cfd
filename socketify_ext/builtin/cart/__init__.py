"""`cart`: what a client wants, for one request or kept in a store."""

from .extension import cart
from .items import Cart, CartItem

__all__ = ["Cart", "CartItem", "cart"]
