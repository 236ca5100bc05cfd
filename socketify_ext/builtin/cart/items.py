"""`Cart` and `CartItem`: a list that adds up, and the lines in it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, NoReturn, SupportsIndex

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from ...errors import HTTPError


def _exact(price: Any) -> Any:
    if isinstance(price, float):
        raise ValueError('a float is not exact: give a Decimal or text, as in "9.90"')  # noqa: TRY004 - for pydantic
    return price


Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=18, decimal_places=6)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CartItem(dict[str, Any]):
    """One line of a cart: frozen, validated by pydantic, and a dict as well.

    As a dict it holds the plain values, the price as text, so that every encoder takes it, the standard one on a stock
    app too: `{"sku": "book", "quantity": 2, "unit_price": "9.90", "currency": "EUR"}`.

    Args:
        sku: what is bought, 1 to 128 characters.
        quantity: how many, 1 at least.
        unit_price: exact and not negative, up to 6 decimal places; no float.
        currency: three capital letters (ISO 4217).

    Raises:
        pydantic.ValidationError: a value does not fit.
    """

    sku: Annotated[str, Field(min_length=1, max_length=128)]
    quantity: Annotated[int, Field(ge=1)] = 1
    unit_price: Price = Decimal(0)
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"

    def __post_init__(self) -> None:
        price = format(self.unit_price, "f")
        dict.update(self, sku=self.sku, quantity=self.quantity, unit_price=price, currency=self.currency)

    @property
    def total(self) -> Decimal:
        """Multiply the unit price by the quantity."""
        return self.unit_price * self.quantity

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a CartItem is frozen: change the cart, with cart.add and cart.remove")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return CartItem, (self.sku, self.quantity, self.unit_price, self.currency)

    def __copy__(self) -> CartItem:
        return self

    def __deepcopy__(self, memo: Any) -> CartItem:
        return self


class MissingItemError(HTTPError, ValueError):
    """Answer 404 for an item that is not in the cart; a ValueError too, as of `list.remove`."""


class Cart(list[Any]):
    """A list of items; `add` keeps one `CartItem` for each sku, and anything else may be appended as to a list.

    Args:
        entries: what it holds.
        max_items: how many entries it may hold.
        max_quantity: how many of one sku.
        currency: of what is added without one.
    """

    __slots__ = ("_currency", "_max_items", "_max_quantity", "origin")

    def __init__(
        self,
        entries: Iterable[Any] = (),
        *,
        max_items: int = 100,
        max_quantity: int = 9999,
        currency: str = "EUR",
    ) -> None:
        super().__init__(entries)
        self._max_items = max_items
        self._max_quantity = max_quantity
        self._currency = currency
        self.origin: Any = None
        """Where it was loaded from; None for one that lives with its request."""

    def add(
        self,
        sku: str,
        quantity: int = 1,
        unit_price: Decimal | int | str | None = None,
        currency: str | None = None,
    ) -> CartItem:
        """Add items of a sku; the quantity adds up, and a unit price that is given holds for the whole line.

        Args:
            sku: what is bought.
            quantity: how many more.
            unit_price: that of the line by default, 0 for a new one. Take it from your catalogue, never from a client.
            currency: that of the line by default, the cart's own for a new one.

        Returns:
            The line as it is now.

        Raises:
            HTTPError: 422, a value does not fit, the line has another currency, or the cart would exceed its limits.
        """
        at = self._find(sku)
        earlier: CartItem | None = None if at is None else self[at]
        if unit_price is None:
            unit_price = earlier.unit_price if earlier else Decimal(0)
        if currency is None:
            currency = earlier.currency if earlier else self._currency
        item = _item(sku, quantity, unit_price, currency)
        if earlier is not None and earlier.currency != item.currency:
            raise HTTPError(422, f"{sku!r} is in the cart in {earlier.currency}, not in {item.currency}")
        if earlier is not None:
            item = _item(item.sku, earlier.quantity + item.quantity, item.unit_price, item.currency)
        if item.quantity > self._max_quantity:
            raise HTTPError(422, f"a cart holds {self._max_quantity} of one sku at most")
        if at is not None:
            self[at] = item
            return item
        self.check(one_more=1)
        self.append(item)
        return item

    def remove(self, sku: Any, quantity: int | None = None, /) -> None:
        """Take a sku out, or `quantity` of it; without such a line, the first entry that equals `sku`.

        Raises:
            MissingItemError: it is not in the cart; 404 in a handler, and a ValueError as of a list.
            HTTPError: 422, the quantity is below 1.
        """
        at = self._find(sku)
        if at is None:
            try:
                return super().remove(sku)
            except ValueError:
                raise MissingItemError(404, f"{sku!r} is not in the cart") from None
        item: CartItem = self[at]
        if quantity is not None and quantity < 1:
            raise HTTPError(422, "take out 1 at least")
        if quantity is None or quantity >= item.quantity:
            del self[at]
        else:
            self[at] = _item(item.sku, item.quantity - quantity, item.unit_price, item.currency)
        return None

    @property
    def totals(self) -> dict[str, Decimal]:
        """Sum up the items by currency."""
        found: dict[str, Decimal] = {}
        for item in self.items:
            found[item.currency] = found.get(item.currency, Decimal(0)) + item.total
        return found

    @property
    def total(self) -> Decimal:
        """Return the sum of the items, 0 for an empty cart.

        Raises:
            HTTPError: 422, they have several currencies; `totals` has a sum for each.
        """
        totals = self.totals
        if len(totals) > 1:
            raise HTTPError(422, f"the cart has items in {' and '.join(sorted(totals))}, which have no one total")
        return sum(totals.values(), Decimal(0))

    @property
    def items(self) -> list[CartItem]:
        """Return the entries that are a `CartItem`."""
        return [entry for entry in self if isinstance(entry, CartItem)]

    def check(self, *, one_more: int = 0) -> None:
        """Hold the cart against its limit of entries.

        Raises:
            HTTPError: 422, it holds too many.
        """
        if len(self) + one_more > self._max_items:
            raise HTTPError(422, f"a cart holds {self._max_items} items at most")

    def merge(self, other: Iterable[Any]) -> None:
        """Take another cart in, as far as the limits allow.

        Quantities add up for each sku, up to the limit; where both have it, this cart's price and currency stay. What
        is beyond the limit of entries is left out.
        """
        for entry in other:
            at = self._find(entry.sku) if isinstance(entry, CartItem) else None
            if at is not None:
                mine: CartItem = self[at]
                quantity = max(mine.quantity, min(mine.quantity + entry.quantity, self._max_quantity))
                self[at] = _item(mine.sku, quantity, mine.unit_price, mine.currency)
            elif len(self) < self._max_items:
                self.append(entry)

    def _find(self, sku: Any) -> SupportsIndex | None:
        for at, entry in enumerate(self):
            if isinstance(entry, CartItem) and entry.sku == sku:
                return at
        return None


def _item(sku: Any, quantity: Any, unit_price: Any, currency: Any) -> CartItem:
    try:
        return CartItem(sku, quantity, unit_price, currency)
    except ValidationError as error:
        names = tuple(CartItem.__dataclass_fields__)
        details = error.errors(include_url=False, include_context=False, include_input=False)
        for detail in details:  # positional arguments go by number
            detail["loc"] = tuple(names[part] if isinstance(part, int) else part for part in detail["loc"])
        raise HTTPError(422, details) from None
