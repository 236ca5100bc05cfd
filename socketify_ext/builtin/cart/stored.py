"""Carts that are kept: loaded, saved, edited, and merged at login."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ... import errors
from ...errors import HTTPError
from ...stores import Store, open_response
from .items import Cart, CartItem
from .options import Options
from .owner import Owner, owner_of, session_cookie, session_key

log = logging.getLogger("socketify_ext")


@dataclass(frozen=True)
class Origin:
    """Whose cart it is, and how it stood in the store when it was loaded."""

    owner: Owner
    seen: bytes | None


class StoredCarts:
    """Keep carts in a store.

    Args:
        store: where they are.
        options: of the extension.
        make: makes an empty cart.
        marks_answers: whether answers with the cookie are kept out of caches. The core sends headers of a stock app at
            once, so that no status could come after them there.
    """

    def __init__(self, store: Store, options: Options, make: Callable[[], Cart], *, marks_answers: bool) -> None:
        self.store = store
        self._cookie = session_cookie(options)
        self._options = options
        self._make = make
        self._marks_answers = marks_answers

    async def load(self, request: Any) -> Cart:
        """Make `request.cart` the client's own."""
        cart: Cart = request.cart
        if cart.origin is not None:
            return cart
        _check_empty(cart)
        with _answered():
            owner = await owner_of(request, self._cookie, self._options.max_age)
            data = await self._merged(request, owner) if owner.anonymous else await self._read(owner)
        return self._enter(request, self._decoded(data), owner, data)

    async def save(self, request: Any) -> None:
        """Write `request.cart` if it is still as it was loaded in the store."""
        cart: Cart = request.cart
        origin: Origin | None = cart.origin
        if origin is None:
            raise _misuse("is saved", "it was not loaded", "Call cart = await req.load_cart() first")
        data, seen = self._encoded(cart), origin.seen
        if data is None and origin.owner.key is None:
            return
        owner, key = await self._owner_to_write(request, origin.owner)
        await self._remember(request, owner)
        with _answered():
            async with self.store.edit(key, expire=self._options.max_age) as values:
                if values[key] != seen:
                    raise HTTPError(409, "the cart was changed meanwhile: load it again")
                values[key] = data
        cart.origin = Origin(owner, data)

    @contextlib.asynccontextmanager
    async def edit(self, request: Any) -> AsyncIterator[Cart]:
        """Load, change and write in one step that no other edit comes between."""
        before: Cart = request.cart
        if before.origin is None:
            _check_empty(before)
        try:
            with _answered():
                owner, key = await self._owner_to_write(
                    request, await owner_of(request, self._cookie, self._options.max_age)
                )
                await self._remember(request, owner)  # before the block, which may answer
                keys = [key] if owner.anonymous is None else [key, owner.anonymous]
                async with self.store.edit(*keys, expire=self._options.max_age) as values:
                    if owner.anonymous is not None:
                        values[key], values[owner.anonymous] = self._merge(values[key], values[owner.anonymous]), None
                    cart = self._enter(request, self._decoded(values[key]), owner, values[key])
                    yield cart
                    values[key] = data = self._encoded(cart)
        except BaseException:
            request.cart = before
            raise
        cart.origin = Origin(Owner(owner.key, owner.session), data)
        if owner.anonymous is not None:
            self._forget(request)

    async def _owner_to_write(self, request: Any, owner: Owner) -> tuple[Owner, str]:
        """Make an id for an unknown client, if the response can still carry its cookie."""
        if owner.key is not None:
            return owner, owner.key
        # The cart of a client that has left is kept like that of one which drops its cookie, until it expires.
        if open_response(request) is None and not request.aborted:
            raise _misuse("is saved", "the answer, which carries its cookie, has gone", "Save it before you answer")
        session = secrets.token_urlsafe(32)
        key = session_key(session)
        return Owner(key, session), key

    def _enter(self, request: Any, cart: Cart, owner: Owner, seen: bytes | None) -> Cart:
        cart.origin = Origin(owner, seen)
        request.cart = cart
        return cart

    async def _remember(self, request: Any, owner: Owner) -> None:
        response = None if owner.session is None else open_response(request)
        if owner.session is not None and response is not None:
            self._cookie.write(response, self._cookie.sign(owner.session), self._options.max_age)
            self._note_cookie(response)

    def _forget(self, request: Any) -> None:
        response = open_response(request)
        if response is not None:
            self._cookie.clear(response)
            self._note_cookie(response)

    def _note_cookie(self, response: Any) -> None:
        """Keep caches from giving one client's cookie to another."""
        if self._marks_answers:
            response.write_header("Cache-Control", "no-store")

    async def _read(self, owner: Owner) -> bytes | None:
        return None if owner.key is None else await self.store.get(owner.key)

    async def _merged(self, request: Any, owner: Owner) -> bytes | None:
        """Merge the anonymous cart into the user's; of several requests at once only one does it."""
        key, anonymous = owner.key, owner.anonymous
        if key is None or anonymous is None or await self.store.get(anonymous) is None:
            return await self._read(owner)
        async with self.store.edit(key, anonymous, expire=self._options.max_age) as values:
            values[key], values[anonymous] = self._merge(values[key], values[anonymous]), None
            data = values[key]
        self._forget(request)
        return data

    def _merge(self, mine: bytes | None, other: bytes | None) -> bytes | None:
        """Return both carts as one; entries beyond the size limit are left out, the last first."""
        if other is None or mine is None:
            return mine or other
        cart = self._decoded(mine)
        count = len(cart)
        cart.merge(self._decoded(other))
        while len(_encode(cart)) > self._options.max_bytes:
            if len(cart) == count:
                return mine
            cart.pop()
        return _encode(cart)

    def _decoded(self, data: bytes | None) -> Cart:
        cart = self._make()
        if data is not None:
            cart.extend(CartItem(**entry["item"]) if "item" in entry else entry["value"] for entry in json.loads(data))
        return cart

    def _encoded(self, cart: Cart) -> bytes | None:
        if not cart:
            return None
        cart.check()
        data = _encode(cart)
        if len(data) > self._options.max_bytes:
            raise HTTPError(413, f"a cart has {self._options.max_bytes} bytes at most")
        return data


def _encode(cart: Cart) -> bytes:
    entries = [{"item" if isinstance(entry, CartItem) else "value": entry} for entry in cart]
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()


def _misuse(what: str, why: str, fix: str) -> errors.CartError:
    return errors.CartError("the cart of this request", what, why, fix)


def _check_empty(cart: Cart) -> None:
    if cart:
        raise _misuse("is loaded", "request.cart holds items already, which it would drop", "Load it first")


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """Turn errors of the store into HTTP errors."""
    try:
        yield
    except errors.StoreConflictError as error:
        raise HTTPError(409, "the cart was changed meanwhile: try again") from error
    except (errors.StoreBusyError, errors.StoreUnavailableError) as error:
        log.error("extension 'cart': %s", error)  # noqa: TRY400 - the engine's own error is in its text
        raise HTTPError(503, "the cart can't be reached: try again", {"Retry-After": "1"}) from error
