"""The listening sockets of a run: bound once, and held as long as the supervisor lives.

Workers come and go behind them, and connections wait in their queues meanwhile. So no restart refuses a client.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from socketify_ext import errors

if TYPE_CHECKING:
    from .settings import RunSettings

_BACKLOG: Final = 4096  # connections; the system has a limit of its own
_LONGEST_PATH: Final = 103  # bytes, on every system
_FIXES: Final = {
    errno.EADDRINUSE: "Stop it, or choose another port; --port 0 takes a free one",
    errno.EACCES: "Choose a port from 1024 on, or run with the right to bind this one",
    errno.ENOENT: "Make the folder, or choose another path",
    errno.EADDRNOTAVAIL: "Write an address of this machine: 127.0.0.1, ::1, or 0.0.0.0 for all",
}


class Binding:
    """The sockets that listen: one for each place of a worker where the system spreads connections over them, else one.

    From one queue the worker that wakes first would take all that wait.
    """

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._sockets = [_bind_path(settings.uds)] if settings.uds is not None else _bind_ports(settings)
        for each in self._sockets:
            each.listen(_BACKLOG)

    def descriptor(self, number: int) -> int:
        """Return the socket of a worker's place, whose numbers begin with 1."""
        return self._sockets[(number - 1) % len(self._sockets)].fileno()

    @property
    def url(self) -> str:
        """Return where clients reach it."""
        if self._settings.uds is not None:
            return f"unix:{self._settings.uds}"
        host, port = self._sockets[0].getsockname()[:2]
        scheme = "http" if self._settings.tls_cert is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def close(self) -> None:
        """Close the sockets, and remove their path."""
        for each in self._sockets:
            each.close()
        if self._settings.uds is not None:
            with contextlib.suppress(OSError):
                Path(self._settings.uds).unlink()


def _bind_ports(settings: RunSettings) -> list[socket.socket]:
    place = f"{settings.host}, port {settings.port}"
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _refused(place, f"there is no such host ({error})", _FIXES[errno.EADDRNOTAVAIL]) from None
    family, _, _, _, address = found[0]
    try:
        # Alone: the system would let it share the port of another server that shares.
        first = _bound(family, address, shared=False)
        if settings.workers == 1 or sys.platform != "linux":
            return [first]
        address = first.getsockname()
        first.close()
        return [_bound(family, address, shared=True) for _ in range(settings.workers)]
    except OSError as error:
        raise _system_error(place, error) from None


def _bound(family: int, address: Any, *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _bind_path(path: str) -> socket.socket:
    place = f"the path {path}"
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise _refused(place, f"a socket's path has {_LONGEST_PATH} bytes at most", "Choose a shorter one")
    _remove_stale(path, place)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
    except OSError as error:
        listening.close()
        raise _system_error(place, error) from None
    return listening


def _remove_stale(path: str, place: str) -> None:
    """Remove the socket that a server which has gone left there."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise _refused(place, "there is a file of that name, which is not a socket", "Choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        try:
            client.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
        except OSError:
            pass
    raise _refused(place, "another server listens there", "Stop it, or choose another path")


def _system_error(place: str, error: OSError) -> errors.ListenError:
    why = "another server listens there" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
    return _refused(place, why, _FIXES.get(error.errno or 0, "Choose another address"))


def _refused(place: str, why: str, fix: str) -> errors.ListenError:
    return errors.ListenError("the server", f"can't listen on {place}", why, fix)
