"""Who may see the inspector: this machine itself, and whom the program admits. To others it is not there."""

from __future__ import annotations

import inspect
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from ...errors import HTTPError

# Whoever sends one of them is not the client.
_OF_PROXIES: Final = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
)

Allow = Callable[[Any], "bool | Awaitable[bool]"]


def is_local(request: Any, address: str | None) -> bool:
    """Check whether a request comes from this machine, without a proxy, and for this machine's own name.

    The name keeps out pages of other sites whose name resolves to this machine (DNS rebinding).
    """
    if any(request.get_header(name) is not None for name in _OF_PROXIES):
        return False
    return _is_loopback(address or "") and is_local_host(request.get_header("host") or "")


def is_local_host(host: str) -> bool:
    """Check whether a Host names this machine: "localhost:3000", "127.0.0.1" or "[::1]"."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


async def admit(request: Any, address: str | None, allow: Allow | None) -> None:
    """Check that a request may see the inspector.

    Raises:
        HTTPError: 404, as if nothing was there.
    """
    if is_local(request, address):
        return
    if allow is not None:
        answer = allow(request)
        if (await answer if inspect.isawaitable(answer) else answer) is True:
            return
    raise HTTPError(404)


def check_origin(request: Any) -> None:
    """Check that a WebSocket is asked for by the inspector's own page.

    Raises:
        HTTPError: 404, another page asks, or no page.
    """
    origin, host = request.get_header("origin"), request.get_header("host")
    if not origin or not host or urlsplit(origin).netloc != host:
        raise HTTPError(404)
