"""The headers, query keys and cookies that a member reads of a request, so that probes can send them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from inspect import isawaitable
from typing import Any, Final

from ..sdk.compilation import subclass
from ..sdk.deadline import within
from ..sdk.spec import MemberSpec
from ..testing.fakes.making import fake_request, fake_response
from .calls import DRY_RUN_TAG, Call
from .members import redeclare

_GETTERS: Final = {
    "get_header": "header",
    "get_header_list": "header",
    "get_header_lines": "header",
    "get_query": "query",
    "get_query_list": "query",
    "get_cookie": "cookie",
    "get_cookie_list": "cookie",
}


def names_read(members: Mapping[str, MemberSpec], calls: Mapping[str, Call]) -> dict[str, list[str]]:
    """Run the members of requests and responses once on fakes, and return the names that they read."""
    read: dict[str, set[str]] = {"header": set(), "query": set(), "cookie": set()}
    extension = redeclare(members)
    for name, call in calls.items():
        target = name.partition(".")[0]
        if target == "ws":
            continue
        request = recording(fake_request(extension), read)
        response = fake_response(extension, request=request)
        there = {"request": request, "response": response, "tag": DRY_RUN_TAG}
        with contextlib.suppress(Exception):  # the probes report what a member raises
            asyncio.run(_run(call, there[target], there))
    return {kind: sorted(names) for kind, names in read.items()}


async def _run(call: Call, target: Any, there: Mapping[str, Any]) -> None:
    value = call(target, there)
    if isawaitable(value):
        await within(value, 1)


def recording(request: Any, read: dict[str, set[str]]) -> Any:
    """Make a request record the names that are read."""
    kind = type(request)

    def note(what: str, getter: str) -> Any:
        inner = getattr(kind, getter)

        def noted(self: Any, name: Any) -> Any:
            read[what].add(name.decode() if isinstance(name, bytes) else str(name))
            return inner(self, name)

        return noted

    request.__class__ = subclass(kind, {getter: note(what, getter) for getter, what in _GETTERS.items()})
    return request
