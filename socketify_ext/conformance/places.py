"""The places of the matrix: settings of the app, styles of handlers, events of sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PREFIX: Final = "/-socketify-ext-check-"
STYLES: Final = ("sync", "async", "late")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "CONNECT")
# The ways in which the routes around which hooks run answer, or fail to.
ANSWERS: Final = (
    "text",
    "json",
    "returned",
    "body",
    "stream",
    "file",
    "events",
    "refused",
    "refused-late",
    "failed",
    "failed-late",
    "unanswered",
    "waiting",
)
LEAVING: Final = "a client that leaves"
EVENTS: Final = ("open", "message", "drain", "ping", "pong", "close", "subscription")

# setting -> the pool arguments of a stock app; None for an installed one
SETTINGS: Final[dict[str, tuple[int, int] | None]] = {
    "installed": None,
    "scope": None,
    "stock": (0, 0),
    "stock, http pool": (100, 0),
    "stock, ws pool": (0, 100),
    "stock, both pools": (100, 100),
}
SCOPE: Final = "/-scope-"  # the prefix of the scope
AS_CONFIGURED: Final = "as configured"

_STOCK: Final = ("stock", "stock, http pool", "stock, ws pool", "stock, both pools")

# What the core itself makes impossible on a stock app: settings, events, styles (docs/safety.md: H04 to H07, H22).
_IMPOSSIBLE: Final = (
    (_STOCK, ("close",), STYLES),
    (("stock, http pool",), EVENTS, STYLES),
    (("stock", "stock, ws pool", "stock, both pools"), ("drain",), STYLES),
    (("stock",), ("subscription",), STYLES),
    (("stock, both pools",), ("message",), ("async", "late")),
    (("stock, http pool", "stock, both pools"), ("upgrade",), ("async", "late")),
)


def is_possible(setting: str, event: str, style: str) -> bool:
    """Whether the core can run a handler of this style."""
    return not any(setting in s and event in e and style in t for s, e, t in _IMPOSSIBLE)


def cells(setting: str, target: str) -> Iterator[tuple[str, str]]:
    """Yield the places in which members of a target run: event ("request" for a handler's call) and style.

    A handler's call comes twice in a row: the second one must find nothing of the first.
    """
    if target == "ws":
        events: tuple[str, ...] = tuple(event for event in EVENTS for _ in range(2 if event == "message" else 1))
    else:
        events = ("request", "request", "upgrade")
    for style in STYLES:
        for event in events:
            if is_possible(setting, event, style):
                yield event, style


def is_stock(where: str) -> bool:
    """Whether a place of the matrix, as findings name it, is on a stock app."""
    return where.startswith("stock")
