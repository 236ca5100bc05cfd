"""The `route` that an option's `apply` gets: it records what is for this route alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import errors
from .request_hooks import RequestHook, RequestHooks, owner

if TYPE_CHECKING:
    from .provenance import Provenance
    from .route_info import RouteInfo


class RouteSurface(RequestHooks):
    """One route, while an option of it is applied.

    It offers the hooks of an app, for this route alone, `max_body`, `around` and `encode`. The hooks run in the place of the
    extension that declares the option.

    Attributes:
        info: the route.
        wrappers: what `around` was given, in order.
        encoder: what `encode` was given, or None.
    """

    __slots__ = ("_max_body", "_option", "_provenance", "encoder", "hooks", "info", "is_open", "wrappers")

    def __init__(self, info: RouteInfo, option: str, provenance: Provenance | None = None) -> None:
        self.info = info
        self.hooks: list[RequestHook] = []
        self.wrappers: list[Callable[[Any], Any]] = []
        self.encoder: Callable[[Any, int], bytes] | None = None
        self.is_open = True
        self._option = option
        self._provenance = provenance
        self._max_body: int | None = None

    @property
    def max_body(self) -> int | None:
        """Bytes that the body of a request may have, None where `apply` sets no number."""
        return self._max_body

    @max_body.setter
    def max_body(self, limit: int) -> None:
        self._check_open("max_body")
        if type(limit) is not int or limit < 0 or self.info.is_websocket:
            why = f"{limit!r} is not a number of bytes"
            if self.info.is_websocket:
                why = "a WebSocket has no body; the limit of its messages is max_payload_length"
            raise errors.RouteOptionError(
                f"option {self._option} of {owner(self._provenance)}",
                f"sets max_body of the route {self.info}",
                why,
                "Write it as route.max_body = 50_000_000",
                route=self.info,
                option=self._option,
            )
        self._max_body = limit

    def around(self, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put code around the route's handler, inside of all hooks, those of the app included: guards come first.

        Args:
            wrap: called with the handler, which takes a response, a request and for upgrades a context; returns what is
                called in its place, sync or async. It is called again when the app changes. The wrapper of an extension
                that comes earlier in resolved order is further outside.

        Raises:
            SignatureError: it can't be called.
        """
        self._check_open("around")
        self._check_callable("around", wrap)
        self.wrappers.append(wrap)

    def encode(self, encode: Callable[[Any, int], bytes]) -> None:
        """Make JSON of the objects that the route's handler returns, ends with or sends; not of what hooks answer.

        Args:
            encode: called with an object and the status that it is sent with; text and bytes are sent as they are.

        Raises:
            SignatureError: it can't be called.
        """
        self._check_open("encode")
        self._check_callable("encode", encode)
        self.encoder = encode

    def _check_callable(self, what: str, function: Any) -> None:
        if not callable(function):
            raise errors.SignatureError(
                f"option {self._option} of {owner(self._provenance)}",
                f"calls {what} of the route {self.info}",
                f"a {type(function).__name__} can't be called",
                f"Give a function, as in route.{what}(function)",
            )

    @property
    def _hooked_by(self) -> Provenance | None:
        return self._provenance

    def _add_hook(self, hook: RequestHook) -> None:
        self._check_open(hook.event)
        self.hooks.append(hook)

    def _check_open(self, what: str) -> None:
        if not self.is_open:
            raise errors.DeclarationError(
                owner(self._provenance),
                f"uses {what} of the route {self.info}",
                f"the apply of its option {self._option} has returned",
                "Call it while apply runs",
            )
