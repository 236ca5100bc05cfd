"""The `route` that an option's `apply` gets: it records what is for this route alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import errors
from .request_hooks import RequestHook, RequestHooks, owner

if TYPE_CHECKING:
    from .provenance import Provenance
    from .route_info import RouteInfo


class RouteSurface(RequestHooks):
    """One route, while an option of it is applied.

    It offers the hooks of an app, for this route alone, and `max_body`. The hooks run in the place of the extension that
    declares the option.

    Attributes:
        info: the route.
    """

    __slots__ = ("_max_body", "_option", "_provenance", "hooks", "info", "is_open")

    def __init__(self, info: RouteInfo, option: str, provenance: Provenance | None = None) -> None:
        self.info = info
        self.hooks: list[RequestHook] = []
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
