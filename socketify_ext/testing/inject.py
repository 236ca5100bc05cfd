"""Requests to an app in this process, without a server and a socket: `await inject(app, "POST", "/cart", json=...)`."""

from __future__ import annotations

import asyncio
import contextlib
import json as json_module
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, urlencode

from .. import errors
from ..app import App
from ..runtime.cookies import TOKEN, cookie_pairs
from ..runtime.set_cookie import write_cookie
from ..runtime.unmatched import METHODS
from .fakes.body import encode_body
from .fakes.exchange import exchange, shut_down, start_up
from .fakes.received_answer import ReceivedAnswer
from .fakes.sent_request import SentRequest

_MISSING: Final[Any] = object()
_AT_ONCE: Final = 512 * 1024  # bytes that the core reads
_SAFE: Final = "/%:@!$&'()*+,;=~-._?[]"  # what stands in a path and a query as it is, with what is escaped already
_FORBIDDEN: Final = re.compile(rb"[\x00\r\n]")
# What the core strips from a header's value, at both ends: its characters are signed, and those beyond ASCII below a blank.
_STRIPPED: Final = bytes((*range(33), *range(128, 256)))
_WITH_BODY: Final = ("POST", "PUT", "PATCH")

Headers = Mapping[str, Any] | Iterable[tuple[str, Any]]


class ReceivedHeaders(Mapping[str, str]):
    """The headers of an answer, by names in any case; those that stand there several times are joined by commas."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self.lines = list(lines)

    def get_list(self, name: str) -> list[str]:
        """Return the values of all lines of a name, in order."""
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        found = self.get_list(name)
        if not found:
            raise KeyError(name)
        return ", ".join(found)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.lower() for key, _ in self.lines))

    def __len__(self) -> int:
        return len({key.lower() for key, _ in self.lines})

    def __repr__(self) -> str:
        return f"ReceivedHeaders({self.lines})"


@dataclass(frozen=True)
class Received:
    """An answer: its status, headers and content."""

    status: int
    headers: ReceivedHeaders
    content: bytes

    @cached_property
    def text(self) -> str:
        """Return the content as text, by the charset of its type, UTF-8 where it has none."""
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        return self.content.decode(message.get_content_charset("utf-8"), errors="replace")

    def json(self) -> Any:
        """Return the object that the content holds as JSON."""
        return json_module.loads(self.content)

    @cached_property
    def cookies(self) -> dict[str, str]:
        """Return the cookies that the answer sets, by name, without those that it deletes; `inject` takes them back."""
        found: dict[str, str] = {}
        for line in self.headers.get_list("set-cookie"):
            pair, _, attributes = line.partition(";")
            for name, value in cookie_pairs([pair]):
                if re.search(r"max-age=(0|-\d+)\s*(;|$)", attributes, re.IGNORECASE):
                    found.pop(name, None)
                else:
                    found[name] = value
        return found


@contextlib.asynccontextmanager
async def started(app: App) -> AsyncIterator[App]:
    """Run an app's start-up functions before requests of `inject`, and its shutdown functions behind them.

    They run in the event loop of the caller, and so do all handlers: `async with started(app): ...`. The app may be started
    again, in another loop too.

    Raises:
        LifecycleError: a start-up function failed.
        InjectError: the app is served already.
        ArgumentError: it is not a `socketify_ext.App`.
    """
    await start_up(_checked(app))
    try:
        yield app
    finally:
        await shut_down(app)


async def inject(
    app: App,
    method: str,
    url: str,
    *,
    headers: Headers | None = None,
    query: Any = None,
    cookies: Mapping[str, str] | None = None,
    content: str | bytes | Iterable[bytes] = b"",
    json: Any = _MISSING,
    form: Mapping[str, Any] | None = None,
    remote_address: str = "127.0.0.1",
    timeout: float | None = 10.0,
) -> Received:
    """Send a request to an app in this process, and return its answer: real routes, hooks, classes and errors, no socket.

    The app runs in the event loop of the caller. Where it has start-up functions, it is in `async with started(app)`.

    Args:
        app: needs neither `listen()` nor `run()`.
        method: in any case.
        url: the path, with or without a query; what a URL can't hold is escaped.
        headers: by name, or pairs; a list gives a name several lines.
        query: added to the url's query: a mapping, in which a list gives a key several values, or pairs.
        cookies: by name, with any text as value.
        content: the body: text, bytes, or bytes in parts, which are sent chunked.
        json: a body in its place, as JSON.
        form: a form in its place, as `fake_request` takes it.
        remote_address: the client's.
        timeout: seconds until the answer must be complete; None waits for ever.

    Raises:
        InjectError: the route is a WebSocket's; the app has not been started, or is served in another loop; it closed the
            connection without a complete answer, or did not answer in time. The client has left then.
        ArgumentError: it is not a `socketify_ext.App`, or no request can hold what was given.
    """
    app = _checked(app)
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise _refused(method, url, "the core serves no such method", f"There are {', '.join(METHODS)}")
    if sum((json is not _MISSING, form is not None, content != b"")) > 1:
        raise _refused(method, url, "it has several bodies", "Give one of content, json and form")
    parts, given = _body(content, json, form)
    lines = _lines(method, url, given, headers, cookies)
    loop = _running_loop(method, url)
    sent = SentRequest(method.upper(), _target(method, url, query), lines)
    closes = (sent.first(b"connection") or b"").lower() == b"close"
    answer = ReceivedAnswer(loop, parts, remote_address, closes)
    await exchange(app, sent, answer, timeout)
    return Received(answer.status, ReceivedHeaders(answer.lines), bytes(answer.body))


def _running_loop(method: str, url: str) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        who, fix = f"the request for {method} {url}", "Run it with asyncio, or with anyio on asyncio"
        raise errors.InjectError(who, "can't be made", "no event loop of asyncio runs", fix) from None


def _checked(app: Any) -> App:
    if not isinstance(app, App):
        kind = type(app).__name__
        fix = "Give a socketify_ext.App; socketify_ext.install(app) makes one of the core's"
        raise errors.ArgumentError("inject", f"was given a {kind}", "it is not a socketify_ext.App", fix)
    return app


def _refused(method: Any, url: Any, why: str, fix: str) -> errors.ArgumentError:
    return errors.ArgumentError(f"inject of {method} {url!r}", "was refused", why, fix)


def _target(method: str, url: str, query: Any) -> bytes:
    """Return what stands for the URL in the request's first line."""
    if not isinstance(url, str) or not url.startswith("/"):
        raise _refused(method, url, "it is not a path", 'Write it as in "/cart?page=2", without scheme and host')
    target = quote(url, safe=_SAFE)
    if query:
        target += ("&" if "?" in target else "?") + urlencode(query, doseq=True)
    return target.encode()


def _body(content: Any, json: Any, form: Mapping[str, Any] | None) -> tuple[list[bytes], dict[str, str]]:
    """Return the parts in which a body comes, and the headers that describe it."""
    headers: dict[str, str] = {}
    if json is not _MISSING:
        data, headers["content-type"] = json_module.dumps(json).encode(), "application/json"
    elif form is not None:
        data, headers = encode_body(b"", form)
    elif isinstance(content, (str, bytes)):
        data = content if isinstance(content, bytes) else content.encode()
    else:
        parts = [bytes(part) for part in content if part]
        return [*parts, b""], {"transfer-encoding": "chunked"}
    headers["content-length"] = str(len(data))
    return [data[start : start + _AT_ONCE] for start in range(0, len(data), _AT_ONCE)] or [b""], headers


def _lines(
    method: str, url: str, given: dict[str, str], headers: Headers | None, cookies: Mapping[str, str] | None
) -> list[tuple[bytes, bytes]]:
    """Return the header lines of a request, names in lower case as the core gives them."""
    own: list[tuple[str, Any]] = []
    for name, value in headers.items() if isinstance(headers, Mapping) else headers or ():
        own.extend((name, each) for each in (value if isinstance(value, list) else [value]))
    names = {str(name).lower() for name, _ in own}
    if given.get("content-length") == "0" and method.upper() not in _WITH_BODY:
        del given["content-length"]
    if names & {"content-length", "transfer-encoding"}:  # how the body ends is the caller's to say
        given = {name: value for name, value in given.items() if name == "content-type"}
    if cookies:
        written = (write_cookie(name, value, path=None).line for name, value in cookies.items())
        own.append(("cookie", "; ".join(written)))
    standard = {"host": "testserver", **given}
    all_of_them = [*((name, value) for name, value in standard.items() if name not in names), *own]
    return [_line(method, url, name, value) for name, value in all_of_them]


def _line(method: str, url: str, name: Any, value: Any) -> tuple[bytes, bytes]:
    data = value if isinstance(value, bytes) else str(value).encode()
    if not isinstance(name, str) or not TOKEN.fullmatch(name) or _FORBIDDEN.search(data):
        raise _refused(method, url, f"{name!r}: {data!r} is not a header", "Give a token and a value on one line")
    return name.lower().encode(), data.strip(_STRIPPED)
