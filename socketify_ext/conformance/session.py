"""One server process of a check, as the parent sees it: what it tells, and requests and sockets to probe it with."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import wait
from typing import Any, Final
from urllib.parse import quote, urlencode

from .. import errors
from .places import PREFIX

PATIENCE: Final = 5.0  # seconds that one call may take at most, and less where the target gets less to start


class GoneError(Exception):
    """The server has ended."""


class HungError(Exception):
    """The server does not answer any more."""


class RefusedError(Exception):
    """The target can't be loaded; `parts` are those of the error."""

    def __init__(self, parts: dict[str, Any], trace: str) -> None:
        super().__init__(parts["why"])
        self.parts = parts
        self.trace = trace


class Session:
    """Run one server process, until `close`."""

    def __init__(self, request: Mapping[str, Any], timeout: float) -> None:
        self.timeout = timeout
        self.patience = min(timeout, PATIENCE)
        self.reads: dict[str, list[str]] = {}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._reader, writer = os.pipe()
        self._buffer = b""
        self.target = str(request["target"])
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", f"{__package__}.child", json.dumps({**request, "file": writer})],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
            start_new_session=True,  # whatever it starts ends with it
        )
        os.close(writer)
        self.port = 0

    def told(self) -> dict[str, Any]:
        """Give the next thing that the process tells.

        Raises:
            RefusedError: it can't load the target.
            GoneError: it has ended.
            HungError: it tells nothing in time.
        """
        until = time.monotonic() + self.timeout
        while b"\n" not in self._buffer:
            if not wait([self._reader], max(0.0, until - time.monotonic())):
                raise HungError
            part = os.read(self._reader, 65536)
            if not part:
                raise GoneError
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise RefusedError(told["error"], told["traceback"])
        return told

    def ended(self) -> str:
        """Say how the process has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1)
            if code < 0:
                return f"its process was killed by {signal.Signals(-code).name}"
            return f"its process ended with exit code {code}"
        return "its process answers no more"

    @property
    def log(self) -> str:
        """Give what the process has written."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        """End the process and whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._reader)
        self._log.close()

    # -- probes

    def call(self, style: str, member: str, cell: str) -> tuple[dict[str, Any], str]:
        """Call a member of a request or a response in a handler.

        Returns:
            The observation, and all that the client got.
        """
        query = "?" + urlencode(dict.fromkeys(("q", *self.reads.get("query", ())), cell))
        status, headers, body = self._get(f"{PREFIX}/http/{style}/{member}/{cell}/{quote(cell)}{query}", cell)
        return self._observed(cell), f"{status} {headers} {body!r}"

    def connect(self, style: str, member: str, cell: str, event: str) -> dict[str, Any]:
        """Call a member in an event of a socket, or before the upgrade.

        Returns:
            The observation.
        """
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        place = f"upgrade/{style}/{member}/{cell}" if event == "upgrade" else f"ws/{style}/{member}/{cell}/{event}"
        with (
            contextlib.suppress(
                WebSocketException, OSError, EOFError
            ),  # a member may end the socket, or answer instead
            connect(
                f"ws://127.0.0.1:{self.port}{PREFIX}/{place}",
                additional_headers=self._headers(cell),
                proxy=None,
                compression=None,
                max_size=None,
                open_timeout=self.patience,
                close_timeout=0.2,
            ) as socket,
        ):
            if event == "message":
                socket.send("probe")
            elif event == "drain":
                socket.send("fill")
                while socket.recv(timeout=self.patience) != "full":
                    pass
            elif event == "ping":
                socket.ping("beep")
            elif event == "pong":
                socket.pong("boop")
            elif event == "close":
                socket.close(4000, "bye")
            return self._observed(cell)
        return self._observed(cell)

    def _observed(self, cell: str) -> dict[str, Any]:
        _, _, body = self._get(f"{PREFIX}/told/{cell}", "")
        found: dict[str, Any] = json.loads(body)
        return found

    def _headers(self, cell: str) -> dict[str, str]:
        if not cell:
            return {}
        named = {name: cell for name in self.reads.get("header", ()) if name.lower() not in _RESERVED}
        cookies = "; ".join(f"{name}={cell}" for name in ("session", *self.reads.get("cookie", ())))
        return {"authorization": f"Bearer {cell}", "cookie": cookies, "x-user": cell, **named}

    def _get(self, path: str, cell: str) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            connection.request("GET", path, headers=self._headers(cell))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except TimeoutError:
            raise HungError from None
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)  # the end of a process comes a moment after that of its sockets
            if self._process.poll() is not None:
                raise GoneError from None
            raise HungError from None
        finally:
            connection.close()


_RESERVED: Final = frozenset(
    (
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "transfer-encoding",
        "upgrade",
    )
)


def refusal(refused: RefusedError) -> errors.ExtensionError:
    """Make the error that a child could not load its target with."""
    parts = dict(refused.parts)
    kind: type[errors.ExtensionError] = getattr(errors, parts.pop("kind"))
    return kind(**parts, traceback=refused.trace)
