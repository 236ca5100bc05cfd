"""One server process of a check, from the parent's side: its events, and requests and sockets that probe it."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import tempfile
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from ..inspection.process import Child, GoneError, HungError
from .places import PREFIX

PATIENCE: Final = 5.0  # seconds that one call may take at most, and less where the target gets less to start


class Session:
    """Run one server process, until `close`."""

    def __init__(self, request: Mapping[str, Any], timeout: float) -> None:
        self.timeout = timeout
        self.patience = min(timeout, PATIENCE)
        self.reads: dict[str, list[str]] = {}
        self.target = str(request["target"])
        self.port = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._child = Child(f"{__package__}.child", request, timeout, output=self._log, error_output=self._log)
        self.read_event = self._child.read_event

    @property
    def log(self) -> str:
        """Return what the process has written."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        """End the process and whatever it has started."""
        self._child.close()
        self._log.close()

    # -- probes

    def call(self, style: str, member: str, cell: str) -> tuple[dict[str, Any], str]:
        """Call a member of a request or a response in a handler.

        Returns:
            The observation, and all that the client got.
        """
        query = "?" + urlencode(dict.fromkeys(("q", *self.reads.get("query", ())), cell))
        status, headers, body = self._get(f"{PREFIX}/http/{style}/{quote(member)}/{cell}/{cell}{query}", cell)
        return self._observed(cell), f"{status} {headers} {body!r}"

    def connect(self, style: str, member: str, cell: str, event: str) -> dict[str, Any]:
        """Call a member in an event of a socket, or before the upgrade.

        Returns:
            The observation.
        """
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        call = f"{style}/{quote(member)}/{cell}"
        place = f"upgrade/{call}" if event == "upgrade" else f"ws/{call}/{event}"
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
        _, _, body = self._get(f"{PREFIX}/observed/{cell}", "")
        found: dict[str, Any] = json.loads(body)
        return found

    def _headers(self, cell: str) -> dict[str, str]:
        if not cell:
            return {}
        named = {
            name: cell for name in self.reads.get("header", ()) if _is_token(name) and name.lower() not in _RESERVED
        }
        cookies = "; ".join(f"{name}={cell}" for name in ("session", *filter(_is_token, self.reads.get("cookie", ()))))
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
            if not self._child.is_running():
                raise GoneError(self._child.end()) from None
            raise HungError from None
        finally:
            connection.close()


def _is_token(name: str) -> bool:
    """Whether a header or a cookie may have the name (RFC 9110, 5.6.2)."""
    return re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) is not None


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
