"""Who a request counts for: an address, a user, or what a program says."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from .options import Options

Identify = Callable[[Any, Any], Awaitable["tuple[str, str] | None"]]


def identifier(options: Options) -> Identify:
    """Give the function that tells who a request counts for, None for nobody.

    It gives the kind of key beside the key, so that no user's name is an address.
    """

    async def by_address(res: Any, req: Any) -> tuple[str, str]:
        direct = res.get_remote_address() or ""
        forwarded = req.get_header("x-forwarded-for") if options.proxies else None
        return "address", network(forwarded_by(forwarded, direct, options.proxies), options.ipv6_network)

    async def by_user(res: Any, req: Any) -> tuple[str, str]:
        if not hasattr(req, "get_user"):
            raise LookupError('ratelimit has key="user", but no extension adds request.get_user: register one, as auth')
        user = await req.get_user()
        if getattr(user, "is_authenticated", False):
            return "user", str(user.name if hasattr(user, "name") else user["name"])
        return await by_address(res, req)

    if options.key == "address":
        return by_address
    if options.key == "user":
        return by_user
    ask = options.key

    async def by_program(res: Any, req: Any) -> tuple[str, str] | None:
        key = ask(res, req)
        if isawaitable(key):
            key = await key
        return None if key is None else ("key", str(key))

    return by_program


def forwarded_by(header: str | None, direct: str, proxies: int) -> str:
    """Find the address that the outermost of your proxies has seen; what a client wrote stands further left.

    Args:
        header: X-Forwarded-For, to which each proxy adds who has asked it, None where it is not to be believed.
        direct: the address at the other end of the connection.
        proxies: how many proxies of yours there are.
    """
    chain = [part.strip() for part in (header or "").split(",") if part.strip()]
    return chain[-proxies] if chain and len(chain) >= proxies > 0 else direct


def network(address: str, bits: int) -> str:
    """Give the network that an address counts for: IPv4 as it is, IPv6 without the bits that a client may choose."""
    bare = address.partition("]")[0].removeprefix("[") if address.startswith("[") else address
    if bare.count(":") == 1:  # IPv4 with a port, as some proxies write it
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), bits), strict=False))
