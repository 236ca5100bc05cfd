"""One server process of a check, from the parent's side: its events, and requests and sockets that probe it."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from ..inspection.process import Child, GoneError, HungError
from ..testing.fork_server import fork_server
from .bodies import NO_BODY, Body
from .places import PREFIX

PATIENCE: Final = 5.0  # seconds that one call may take at most
_REPLY: Final = 1.0  # seconds that a publication may take through a backplane
_CHILD: Final = f"{__package__}.child"


@dataclass
class Seen:
    """What a process has seen of a probe.

    Attributes:
        observation: of a member, None where it was not called, or not to its end.
        begun: whether the member was called.
        watched: observations of other parts, each with the number of its part.
        unfinished: parts that go on.
        logged: how tasks have ended that began meanwhile.
        stray: what was logged outside of all parts.
        patched: functions that are others by now.
        remains: how many threads, tasks and open files there are.
    """

    observation: dict[str, Any] | None = None
    begun: bool = False
    watched: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    unfinished: list[int] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    patched: list[str] = field(default_factory=list)
    remains: dict[str, int] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether a part has raised what ends the process."""
        observations = [observation for _, observation in self.watched]
        if self.observation is not None:
            observations.append(self.observation)
        return any(each["outcome"] == "ended" for each in observations)


@dataclass(frozen=True)
class Answer:
    """What a client got; `status` is 0 where it was no whole answer, or where the client did not wait for it."""

    status: int
    text: str = ""
    body: bytes = b""
    messages: tuple[str | bytes, ...] = ()


class EndedError(GoneError):
    """The process has ended by itself, after it was told to, or by an error of a part.

    Args:
        why: what has ended it.
        seen: the last that it has seen.
    """

    def __init__(self, why: str, seen: Seen) -> None:
        self.seen = seen
        super().__init__(why)


class Session:
    """Run one server process, until `close`.

    Args:
        request: what the process gets.
        timeout: seconds that the target gets to start.
        headers: that each request sends.
    """

    def __init__(self, request: Mapping[str, Any], timeout: float, headers: Mapping[str, str]) -> None:
        self.timeout = timeout
        self.patience = float(request["patience"])
        self.reads: dict[str, list[str]] = {}
        self.target = str(request["target"])
        self.root = f"{request['scope']}{PREFIX}"
        self.port = 0
        self.parts: list[dict[str, Any]] = []
        self.prefixes: list[str] = []
        self._given = headers
        self._clients = itertools.count(2)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._child = Child(
            _CHILD,
            request,
            timeout,
            output=self._log,
            error_output=self._log,
            fork_server=fork_server(_CHILD),
        )
        self.read_event = self._child.read_event

    @property
    def log(self) -> str:
        """Return what the process has written."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def listening(self) -> None:
        """Wait until the process listens, and learn which parts it has.

        Raises:
            ExtensionError: it can't.
            GoneError: it has ended.
            HungError: it does not in time.
        """
        event = self.read_event()
        if "port" not in event:
            raise GoneError(event.get("ended") or event["unregistered"])
        self.port, self.parts, self.prefixes = event["port"], event["parts"], event["prefixes"]

    def close(self) -> None:
        """End the process and whatever it has started."""
        self._child.close()
        self._log.close()

    # -- what was seen

    def begin(self) -> None:
        """Begin a probe: what the process starts from now on belongs to it."""
        self._child.send(begin=True)

    def ask(self, cell: str = "", *, is_due: bool = False) -> Seen:
        """Ask what was seen since.

        Args:
            cell: that of a member's call.
            is_due: whether the call is still to come.

        Raises:
            EndedError: the process has ended by an error of a part.
            GoneError, HungError: it has ended, or its loop is blocked.
        """
        self._child.send(ask=[cell, is_due, self.patience])
        return self._seen(self.read_event(2 * self.patience))

    def stop(self) -> Seen:
        """Shut the app down; return what was seen meanwhile.

        Raises:
            GoneError, HungError: it has ended otherwise, or does not end.
        """
        self._child.send(close=True)
        try:
            return self._seen(self.read_event(2 * self.patience))
        except EndedError as ended:
            return ended.seen

    def _seen(self, event: dict[str, Any]) -> Seen:
        for kind, names in event.pop("reads", {}).items():
            self.reads[kind] = sorted({*self.reads.get(kind, ()), *names})
        ended = event.pop("ended", None)
        seen = Seen(**event)
        if ended is not None:
            raise EndedError(ended, seen)
        return seen

    def running(self) -> list[int]:
        """Return the parts that the process ran last, where it has ended or hangs."""
        try:
            found: list[int] = json.loads(self._child.notes or "[]")
        except ValueError:  # it has ended while it wrote
            return []
        return found

    # -- probes

    def call(self, style: str, member: str, cell: str, body: Body) -> Answer:
        """Call a member of a request or a response in a handler."""
        path = f"{self.root}/http/{style}/{quote(member)}/{cell}/{cell}"
        return self.request("GET" if body is NO_BODY else "POST", path + self.query(cell), cell, body)

    def query(self, cell: str, path: str = "") -> str:
        """Return a query that has all keys which are read; none for a path that has one."""
        return "" if "?" in path else "?" + urlencode(dict.fromkeys(("q", *self.reads.get("query", ())), cell))

    def connect(self, style: str, member: str, cell: str, event: str) -> Seen:
        """Call a member in an event of a socket, or before the upgrade; return what was seen while it was open."""
        call = f"{style}/{quote(member)}/{cell}"
        place = f"upgrade/{call}" if event == "upgrade" else f"ws/{call}/{event}"
        with self.socket(f"{self.root}/{place}", cell) as opened:
            if opened is not None:
                self._trigger(opened, event)
                return self.ask(cell, is_due=event != "upgrade")
        return self.ask(cell)

    def _trigger(self, opened: Any, event: str) -> None:
        if event == "message":
            opened.send("probe")
        elif event == "drain":
            opened.send("fill")
            while opened.recv(timeout=self.patience) != "full":
                pass
        elif event == "ping":
            opened.ping("beep")
        elif event == "pong":
            opened.pong("boop")
        elif event == "close":
            opened.close(4000, "bye")

    def talk(
        self, path: str, cell: str, messages: Sequence[str | bytes], *, replies: int = 0, code: int = 1000
    ) -> Answer:
        """Open a socket, send messages and a ping, and close with a code, or not at all where that is 0.

        Returns:
            All that came back, and 101 as the status, or 0 where the socket was refused.
        """
        from websockets.protocol import State

        got: list[str | bytes] = []
        with self.socket(path, cell) as opened:
            if opened is None:
                return Answer(0)
            for message in messages:
                opened.send(message)
            answered, until = opened.ping(), time.monotonic() + self.patience
            while opened.protocol.state is State.OPEN and time.monotonic() < until and not answered.wait(0.01):
                pass
            opened.pong()
            self._receive(opened, got, replies)
            if code:
                opened.close(code, "bye")
            else:
                opened.close_socket()
        return Answer(101, repr(got), messages=tuple(got))

    def _receive(self, opened: Any, got: list[str | bytes], least: int) -> None:
        """Take the messages that have come, and wait for so many."""
        until = time.monotonic() + min(self.patience, _REPLY)
        with contextlib.suppress(TimeoutError):
            while True:
                got.append(opened.recv(timeout=max(0.0, until - time.monotonic()) if len(got) < least else 0))

    @contextlib.contextmanager
    def socket(self, path: str, cell: str) -> Iterator[Any]:
        """Open a WebSocket; None where it is refused. Its end is no error: a part may close it."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect
        from websockets.typing import Origin

        with contextlib.suppress(WebSocketException, OSError, EOFError):
            try:
                opened = connect(
                    f"ws://127.0.0.1:{self.port}{path}",
                    additional_headers=self._headers(cell),
                    origin=Origin(f"http://127.0.0.1:{self.port}"),
                    proxy=None,
                    compression=None,
                    max_size=None,
                    open_timeout=self.patience,
                    close_timeout=0.2,
                    source_address=self._source(),
                )
            except TimeoutError:
                raise HungError(self._child.stacks()) from None
            except (WebSocketException, OSError, EOFError):
                yield None
                return
            with opened:
                yield opened

    def request(self, method: str, path: str, cell: str, body: Body = NO_BODY) -> Answer:
        """Send a request, from an address that no other request has, where the system allows that.

        Raises:
            GoneError: the process has ended.
            HungError: there is no answer in time.
        """
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=self.patience, source_address=self._source()
        )
        headers = {**body.headers, **self._headers(cell)}
        try:
            connection.request(method, path, body=body.content(cell), headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            return Answer(answer.status, f"{answer.status} {answer.getheaders()} {content!r}", content)
        except TimeoutError:
            raise HungError(self._child.stacks()) from None
        except (OSError, http.client.HTTPException) as error:
            self.check_running()
            return Answer(0, f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def leave(self, method: str, path: str, cell: str) -> Answer:
        """Send a request, and leave before its answer."""
        lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self._headers(cell).items()]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), self.patience) as left:
            left.sendall("\r\n".join([*lines, "", ""]).encode())
            time.sleep(0.02)  # else the server may read the end before the request
        return Answer(0)

    def check_running(self) -> None:
        """Check that the process has not ended.

        Raises:
            GoneError: it has.
        """
        time.sleep(0.05)  # the end of a process comes a moment after that of its sockets
        if not self._child.is_running():
            raise GoneError(self._child.end())

    def _source(self) -> tuple[str, int] | None:
        """Return an address of its own for a client, of the loopback network."""
        if sys.platform != "linux":
            return None
        number = next(self._clients)
        return f"127.0.{number // 250 % 250}.{number % 250 + 2}", 0

    def _headers(self, cell: str) -> dict[str, str]:
        given = {name.lower(): value for name, value in self._given.items()}
        if not cell:
            return given
        named = {
            name: cell
            for name in self.reads.get("header", ())
            if _is_token(name) and name.lower() not in _RESERVED and not name.lower().startswith(_RESERVED_PREFIXES)
        }
        cookies = "; ".join(f"{name}={cell}" for name in ("session", *filter(_is_token, self.reads.get("cookie", ()))))
        return {"authorization": f"Bearer {cell}", "cookie": cookies, "x-user": cell, **named, **given}


def _is_token(name: str) -> bool:
    """Whether a header or a cookie may have the name (RFC 9110, 5.6.2)."""
    return re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) is not None


# What means something to the server or is the browser's or a proxy's to say, so that a made-up value would change what is
# probed.
_RESERVED: Final = frozenset(
    (
        *("cf-connecting-ip", "forwarded", "origin", "referer", "true-client-ip", "via", "x-real-ip"),
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_RESERVED_PREFIXES: Final = ("access-control-", "sec-", "x-forwarded-")
