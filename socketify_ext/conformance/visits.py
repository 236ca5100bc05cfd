"""The requests and sockets that lead to hooks, routes and events of sockets: what a client does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from .bodies import BODIES, JSON, NO_BODY, Body
from .places import ANSWERS, LEAVING, METHODS, PREFIX

if TYPE_CHECKING:
    from .session import Answer, Session
    from .tally import Tally

_BROKEN: Final = Body("broken JSON", "application/json", lambda cell: f'{{"{cell}'.encode())
_LARGE: Final = Body("a body that is too large", "text/plain", lambda cell: cell.encode() * 4)
_WITH_BODY: Final = ("POST", "PUT", "PATCH", "DELETE")
_CODE: Final = 4000  # of the close of a socket


@dataclass(frozen=True)
class Visit:
    """What one client does.

    Attributes:
        where: its name for findings.
        path: with `{}` for the text of the probe.
        act: does it, with a session, the path and the text, and returns what the client got.
        is_socket: whether a WebSocket's hooks may concern it.
        leads_to: the numbers of the parts that it is for.
        is_last_resort: whether it is left out where a visit before has led there, and was not refused.
    """

    where: str
    path: str
    act: Callable[[Session, str, str], Answer]
    is_socket: bool = False
    leads_to: tuple[int, ...] = ()
    is_last_resort: bool = False


def hook_visits(prefixes: Iterable[str]) -> Iterator[Visit]:
    """Yield visits of the check's own routes below each prefix of a hook, with every method and every way to answer."""
    for prefix in prefixes:
        below = f" below {prefix}" if prefix else ""
        root = f"{prefix}{PREFIX}"
        for method in METHODS:
            body = JSON if method in _WITH_BODY else NO_BODY
            yield Visit(f"{method} text{below}", f"{root}/text/{{}}", _requesting(method, body))
        for name in ANSWERS:
            if name not in ("text", "waiting"):
                yield Visit(f"GET {name}{below}", f"{root}/{name}/{{}}", _requesting("GET"))
        yield Visit(f"POST body{below}", f"{root}/body/{{}}", _requesting("POST", JSON))
        yield Visit(f"POST body{below}, broken JSON", f"{root}/body/{{}}", _requesting("POST", _BROKEN))
        yield Visit(f"POST small{below}, too large", f"{root}/small/{{}}", _requesting("POST", _LARGE))
        yield Visit(f"GET posted{below}, a method that is not allowed", f"{root}/posted/{{}}", _requesting("GET"))
        yield Visit(f"GET nowhere{below}", f"{root}/nowhere/{{}}", _requesting("GET"))
        yield Visit(f"GET waiting{below}, {LEAVING}", f"{root}/waiting/{{}}", _leaving("GET"))
        yield Visit(f"WS chat{below}", f"{root}/chat/{{}}", _chat, is_socket=True)
        yield Visit(f"WS chat{below} again", f"{root}/chat/{{}}", _chat, is_socket=True)
        yield Visit(f"WS closed{below}, refused", f"{root}/closed/{{}}", _chat, is_socket=True)


def route_visits(parts: Sequence[Tally], examples: Iterable[str]) -> Iterator[Visit]:
    """Yield visits of an extension's own routes.

    Args:
        parts: all parts, by their numbers.
        examples: requests that are made in place of made-up ones: 'POST /orders {"sku": "tea"}'.
    """
    given = [_read_request(example) for example in examples]
    sockets: dict[str, list[int]] = {}
    for number, part in enumerate(parts):
        if part.report.kind == "event":
            sockets.setdefault(part.path, []).append(number)
        elif part.report.kind == "route" and part.event == "static":
            yield from _folder_visits(number, part.path)
        elif part.report.kind == "route option":
            if not part.unreached:
                yield from _option_visits(number, part.event)
        elif part.report.kind == "route" and part.event != "not_found":
            own = [each for each in given if _leads(each.method, each.path, part)]
            yield from _route_visits(number, part, own)
    for path, numbers in sockets.items():
        for where in ("text", "again"):
            yield Visit(f"WS {path} {where}", _filled(path), _talk, is_socket=True, leads_to=tuple(numbers))
        yield Visit(f"WS {path}, {LEAVING}", _filled(path), _leave, is_socket=True, leads_to=tuple(numbers))


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: Body


def is_request(example: str) -> bool:
    """Whether an example is a request, and not a call of a member."""
    return re.match(r"[A-Z]+ ", example) is not None


def is_value(example: str) -> bool:
    """Whether an example is the value of a route option."""
    return re.match(r"\w+=", example) is not None


def read_value(example: str) -> tuple[str, Any]:
    """Read the value of a route option: JSON, or else text."""
    name, _, value = example.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def check_requests(examples: Iterable[str], parts: Iterable[Tally]) -> None:
    """Check that each example leads to a route.

    Raises:
        TargetError: it does not.
    """
    routes = [part for part in parts if part.report.kind == "route"]
    for example in examples:
        request = _read_request(example)
        if not any(_leads(request.method, request.path, part) for part in routes):
            known = ", ".join(part.report.name for part in routes) or "none"
            raise errors.TargetError(
                f"--with {example!r}", "leads nowhere", "the extension has no such route", f"Its routes: {known}"
            )


def check_values(values: Iterable[str], parts: Iterable[Tally]) -> None:
    """Check that there is a route option for each value.

    Raises:
        TargetError: there is none.
    """
    known = [part.event for part in parts if part.report.kind == "route option"]
    for name in values:
        if name not in known:
            who, why = f"--with {name}=...", "the extension has no such route option"
            raise errors.TargetError(who, "leads nowhere", why, f"Its route options: {', '.join(known) or 'none'}")


def _read_request(example: str) -> _Request:
    method, _, rest = example.partition(" ")
    path, _, content = rest.strip().partition(" ")
    if not content:
        return _Request(method, path, NO_BODY)
    try:
        json.loads(content)
        kind = "application/json"
    except ValueError:
        kind = "application/x-www-form-urlencoded" if "=" in content else "text/plain"
    return _Request(method, path, Body("the given body", kind, lambda _: content.encode()))


def _leads(method: str, path: str, part: Tally) -> bool:
    if part.event not in (method.lower(), "any"):
        return False
    names = part.path.split("/")
    pattern = "/".join(".*" if name == "*" else "[^/]+" if name.startswith(":") else re.escape(name) for name in names)
    return re.fullmatch(pattern, path.partition("?")[0]) is not None


def _route_visits(number: int, part: Tally, given: Sequence[_Request]) -> Iterator[Visit]:
    for request in given:
        for again in ("", " again"):
            where = f"{request.method} {request.path}{again}"
            yield Visit(where, request.path, _requesting(request.method, request.body), leads_to=(number,))
    if given:
        return
    path = _filled(part.path)
    for method in ("GET", "POST") if part.event == "any" else (part.event.upper(),):
        bodies = (*BODIES[1:], NO_BODY) if method in _WITH_BODY else (NO_BODY,)
        for nth, body in enumerate(bodies):
            where = f"{method} {part.path}" + (f" with {body.name}" if body.name else "")
            yield Visit(where, path, _requesting(method, body), leads_to=(number,), is_last_resort=nth > 0)
        where = f"{method} {part.path} again"
        yield Visit(where, path, _requesting(method, bodies[0]), leads_to=(number,))
        yield Visit(f"{method} {part.path}, {LEAVING}", path, _leaving(method), leads_to=(number,))


def _folder_visits(number: int, path: str) -> Iterator[Visit]:
    root = path.removesuffix("/")
    for rest in ("/", "/{}", "/../{}"):
        yield Visit(f"GET {root}{rest.format('probe')}", f"{root}{rest}", _requesting("GET"), leads_to=(number,))


def _option_visits(number: int, name: str) -> Iterator[Visit]:
    path = f"{PREFIX}/option-{name}"
    for method, body in (("GET", NO_BODY), ("POST", JSON)):
        yield Visit(f"{method} with the option {name}", f"{path}/{{}}", _requesting(method, body), leads_to=(number,))
    yield Visit(f"WS with the option {name}", f"{path}-chat/{{}}", _chat, is_socket=True, leads_to=(number,))


def _filled(pattern: str) -> str:
    return "/".join("{}" if part.startswith((":", "*")) else part for part in pattern.split("/"))


def _requesting(method: str, body: Body = NO_BODY) -> Callable[[Session, str, str], Answer]:
    return lambda session, path, cell: session.request(method, f"{path}{session.query(cell, path)}", cell, body)


def _leaving(method: str) -> Callable[[Session, str, str], Answer]:
    return lambda session, path, cell: session.leave(method, path, cell)


def _chat(session: Session, path: str, cell: str) -> Answer:
    """Send a message to oneself and to all, and close."""
    return session.talk(path, cell, [cell], replies=2)


def _talk(session: Session, path: str, cell: str) -> Answer:
    """Send messages of each kind, a ping, and close."""
    return session.talk(path, cell, [cell, cell.encode(), json.dumps({"probe": cell})], code=_CODE)


def _leave(session: Session, path: str, cell: str) -> Answer:
    """Open a socket, and end the connection without a close."""
    return session.talk(path, cell, [], code=0)
