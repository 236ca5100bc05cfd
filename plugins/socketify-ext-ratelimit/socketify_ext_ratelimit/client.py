"""Who a request counts for: an address, a user, or what a program says."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any

from .options import Options

Identify = Callable[[Any, Any], Awaitable["tuple[str, str] | None"]]


def identifier(options: Options) -> Identify:
    """Get the function that finds who a request counts for, None for nobody.

    It returns the kind of key beside the key, so that no user's name is an address.
    """

    async def by_address(res: Any, req: Any) -> tuple[str, str]:
        direct = res.get_remote_address() or ""
        if not options.proxies:
            return "address", network(direct, options.ipv6_network) or direct
        seen = forwarded_by(req.get_header_list("x-forwarded-for"), direct, options.proxies)
        return "address", network(seen, options.ipv6_network) or network(direct, options.ipv6_network) or direct

    async def by_user(res: Any, req: Any) -> tuple[str, str]:
        if not hasattr(req, "get_user"):
            raise LookupError('ratelimit has key="user", but no extension adds request.get_user: register one, as auth')
        user = await req.get_user()
        if getattr(user, "is_authenticated", False):
            identity = getattr(user, "id", getattr(user, "name", None))
            return "user", str(user["name"] if identity is None else identity)
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


def forwarded_by(chain: Sequence[str], direct: str, proxies: int) -> str:
    """Find the address that the outermost of your proxies has seen; what a client wrote stands further left.

    Args:
        chain: the elements of X-Forwarded-For, to which each proxy adds who has asked it.
        direct: the address at the other end of the connection.
        proxies: how many proxies of yours there are.
    """
    return chain[-proxies] if len(chain) >= proxies > 0 else direct


def network(address: str, bits: int) -> str | None:
    """Get the network that an address counts for: IPv4 as it is, IPv6 without the bits that a client may choose.

    Quotes, brackets, a port and a zone are no part of an address, and an IPv4 address that is mapped into IPv6 is the
    IPv4 address. None for what is not an address.
    """
    bare = address.strip().strip('"').strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:  # IPv4 with a port, as some proxies write it
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), bits), strict=False))
