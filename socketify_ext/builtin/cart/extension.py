"""The extension: `req.cart`, and with a store also `req.load_cart`, `req.save_cart` and `req.edit_cart`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from ...stores import open_store
from .items import Cart
from .options import Options
from .stored import StoredCarts


@extension("cart", options=Options)
def cart(request: Surface, response: Surface, ws: Surface, *, options: Options, app: AppSurface) -> None:
    """Collect items: `req.cart`, for one request, or kept in a store with `req.load_cart` and `req.edit_cart`."""

    def new_cart() -> Cart:
        return Cart(max_items=options.max_items, max_quantity=options.max_quantity, currency=options.currency)

    request.property("cart", default_factory=new_cart, type=Cart)

    if options.store is None:
        return
    carts = StoredCarts(open_store(options.store), options, new_cart, marks_answers=app.is_installed)
    if app.is_installed:
        app.on_shutdown(carts.store.close)

    @request.method
    async def load_cart(self: Any) -> Cart:
        """Get the client's own cart from the store, as `req.cart` too; once for each request."""
        return await carts.load(self)

    @request.method(example="await request.load_cart(); await request.save_cart()")
    async def save_cart(self: Any) -> None:
        """Save `req.cart` after `load_cart`; answers 409 where it was changed in the store meanwhile."""
        await carts.save(self)

    @request.method
    def edit_cart(self: Any) -> AbstractAsyncContextManager[Cart]:
        """Change the client's own cart in one step: `async with req.edit_cart() as cart: ...`; saved at its end."""
        return carts.edit(self)
