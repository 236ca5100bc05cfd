"""Where a server listens: an address that is checked before the core sees it, and the core's call.

A port is the server's own: the system refuses it while another socket listens there, in one step with the bind. The
core would share it with every process of the same user, and each would get some of the connections.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from .. import errors
from ..sdk.suggest import suggestion
from .core import NULL, cast, core, ffi, from_handle, lib
from .fork import shares_ports

_IPV4: Final = "0.0.0.0"  # noqa: S104 - all addresses
_IPV6: Final = "::"  # all addresses, those of IPv4 too
_LOOPBACK: Final = "127.0.0.1"
_KEYS: Final = ("port", "host", "options", "domain", "fd")
_NUMBER: Final = ffi.typeof("intptr_t")
_SOCKET: Final = ffi.typeof("uws_res_t *")
_SHARED, _EXCLUSIVE = 0, 1  # LIBUS_LISTEN_DEFAULT and LIBUS_LISTEN_EXCLUSIVE_PORT of libusockets.h
_LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103  # bytes: sun_path, less its last NUL
_REASONS: Final = {
    errno.EADDRINUSE: ("another server listens there", "Stop it or choose another port; reuse_port=True shares a port"),
    errno.EACCES: ("this user may not listen there", "Choose a port from 1024 on, or a folder of this user"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", 'Write "127.0.0.1", "::1", or "0.0.0.0" for all'),
}


class Address(NamedTuple):
    """Where to listen: a port of a host, of all addresses without one, a socket's path, or a socket that is open."""

    port: int = 0
    host: str | None = None
    options: int = 0
    domain: str | None = None
    fd: int | None = None

    def __str__(self) -> str:
        if self.fd is not None:
            return f"the socket {self.fd}"
        return self.domain or (f"port {self.port}" if self.host is None else f"{self.host}, port {self.port}")

    @property
    def is_exclusive(self) -> bool:
        """Return whether the program has asked for a port that no other process shares."""
        return self.options == _EXCLUSIVE


def address_of(given: Any) -> Address:
    """Return the address that `app.listen` was given: a port, a dict, `AppListenOptions`, or None for any free port.

    Raises:
        ListenError: a server can't listen there.
    """
    if given is None:
        return Address()
    if isinstance(given, int):
        return Address(_port(given))
    if isinstance(given, Mapping):
        parts = dict(given)
    elif isinstance(given, core.AppListenOptions):
        parts = vars(given)
    else:
        _refuse(
            given, f"a {type(given).__name__} is not a port", 'Write app.listen(3000), or {"port": 3000, "host": ...}'
        )
    _check_options(given, parts)
    domain, host, port, options = (parts.get(key) for key in ("domain", "host", "port", "options"))
    port, options = 0 if port is None else port, options or 0
    if parts.get("fd") is not None:
        if (domain, host, port) != (None, None, 0):
            _refuse(given, "it names a socket that is open and another address", "Write either")
        return Address(fd=_open_socket(parts["fd"]))
    if domain is not None:
        if host is not None or port != 0:
            _refuse(
                given, "it names a port or a host and a socket's path", "Write either; listen() may be called twice"
            )
        return Address(domain=_path(domain), options=options)
    return Address(_port(port), None if host is None else _host(host), options)


def _check_options(given: Any, parts: Mapping[str, Any]) -> None:
    for key in parts:
        if key not in _KEYS:
            fix = suggestion(key, _KEYS) if isinstance(key, str) else ""
            _refuse(given, f"{key!r} is not an option", fix or f"There are {', '.join(_KEYS)}")
    options = parts.get("options", 0)
    if isinstance(options, bool) or options not in (_SHARED, _EXCLUSIVE):
        _refuse(given, f"options {options!r} do not exist", "Write 0, or 1 for a port that no other process shares")


def _port(port: Any) -> int:
    if isinstance(port, bool) or not isinstance(port, int):
        _refuse(port, f"a {type(port).__name__} is not a port", "Write a number from 0 to 65535; 0 takes any free port")
    if not 0 <= port <= 65535:
        _refuse(port, "there is no such port", "Write a number from 0 to 65535; 0 takes any free port")
    return int(port)


def _host(host: Any) -> str:
    fix = 'Write an address of this machine: "127.0.0.1", "::1", or "0.0.0.0" for all'
    if not isinstance(host, str) or not host or not host.isprintable():
        _refuse(host, "it is not a host", fix)
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        _refuse(host, f"there is no such host ({error})", fix)
    return host


def _path(path: Any) -> str:
    if not isinstance(path, str) or not path or "\0" in path:
        _refuse(path, "it is not the path of a socket", 'Write {"domain": "/run/app.sock"}')
    size = len(os.fsencode(path))
    if size > _LONGEST_PATH:
        _refuse(path, f"a socket's path has {_LONGEST_PATH} bytes at most, this one {size}", "Choose a shorter one")
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        folder = Path(path).parent
        if not folder.is_dir():
            _refuse(path, f"there is no folder {folder}", "Make the folder first")
        return path
    except OSError as error:
        _refuse(path, str(error), "Choose another path")
    if not is_socket:  # the core would delete it
        _refuse(path, "there is a file of that name, which is not a socket", "Choose another path, or remove the file")
    return path


def _open_socket(number: Any) -> int:
    """Check the number of a socket that listens already, as a supervisor or systemd hands it over."""
    fix = 'Bind a socket, let it listen, and write {"fd": listening.fileno()}'
    if isinstance(number, bool) or not isinstance(number, int):
        _refuse(number, f"a {type(number).__name__} is not the number of a socket", fix)
    try:
        with socket.socket(fileno=os.dup(number)) as copy:
            listens = copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        _refuse(number, f"it is not the number of a socket ({error.strerror})", fix)
    if not listens:
        _refuse(number, "the socket does not listen", fix)
    return number


def listen(app: Any, address: Address, reuse_port: bool | None) -> tuple[Any, Any]:
    """Listen.

    Args:
        app: the app.
        address: where.
        reuse_port: whether other processes that ask for the same may listen there too; None, whether this process was
            forked or has forked.

    Returns:
        The native listen socket, and the core's `AppListenOptions` with the port that was found.

    Raises:
        ListenError: another server listens there, or the system refuses.
    """
    if address.fd is not None:
        return _listen_on(app, address.fd)
    shared = shares_ports() if reuse_port is None else bool(reuse_port)
    if address.is_exclusive:
        if reuse_port:
            _refuse(address, "its options ask for a port of its own, and reuse_port=True for a shared one", "Drop one")
        shared = False
    options = _SHARED if shared else _EXCLUSIVE
    if address.domain is not None:
        if not shared:
            _check_unused(address.domain)
        heard = _Heard()
        path, handle = os.fsencode(address.domain), ffi.new_handle(heard)
        lib.uws_app_listen_domain_with_options(app.SSL, app.app, path, len(path), options, on_listen_path, handle)
        heard.check(address)
    else:
        heard = _listen_on_port(app, address, address.host or _all_addresses(), options)
    port = 0 if address.domain is not None else int(lib.us_socket_local_port(app.SSL, heard.socket))
    return heard.socket, core.AppListenOptions(port, address.host, address.options, address.domain)


def _listen_on_port(app: Any, address: Address, name: str, options: int) -> _Heard:
    """Listen on the port of a host."""
    heard = _Heard()
    handle, config = ffi.new_handle(heard), ffi.new("uws_app_listen_config_t *")
    # Held until the call has returned: the structure has its address alone.
    host = ffi.new("char[]", name.encode())
    config.port, config.host, config.options = address.port, host, options
    lib.uws_app_listen_with_config(app.SSL, app.app, config[0], on_listen, handle)
    heard.check(address)
    return heard


def _listen_on(app: Any, number: int) -> tuple[Any, Any]:
    """Listen on a socket that is open: its queue of connections outlives this process.

    The core has no call for it. So it listens on a port of its own, whose descriptor then becomes one of the given
    socket: the loop has not looked at it before.
    """
    heard = _listen_on_port(app, Address(), _LOOPBACK, _EXCLUSIVE)
    _replace_socket(heard.socket, number)
    with socket.socket(fileno=os.dup(number)) as copy:
        name = copy.getsockname()
    place = core.AppListenOptions(domain=name) if isinstance(name, str) else core.AppListenOptions(name[1], name[0])
    return heard.socket, place


def listen_stock(app: Any, number: int) -> None:
    """Let a stock app listen on a socket that is open."""
    # Only for a handler the core keeps the socket.
    app.listen({"port": 0, "host": _LOOPBACK, "options": _EXCLUSIVE}, lambda _place: None)
    _replace_socket(app.socket, number)


def _replace_socket(listen_socket: Any, number: int) -> None:
    """Put a socket that listens in the place of one that the core has just made."""
    os.set_blocking(number, False)
    # As one without TLS: its handle is the descriptor.
    own = int(cast(_NUMBER, lib.uws_res_get_native_handle(0, cast(_SOCKET, listen_socket))))
    os.dup2(number, own, inheritable=False)


class _Heard:
    """What the core has reported of a call to listen."""

    socket: Any = NULL
    errno = 0

    def note(self, listen_socket: Any) -> None:
        """Keep the socket, and of a failure the system's error, which is that of the last call."""
        self.socket, self.errno = listen_socket, ffi.errno

    def check(self, address: Address) -> None:
        """Check that there is a socket.

        Raises:
            ListenError: there is none.
        """
        if self.socket == NULL:
            why, fix = _REASONS.get(self.errno, (_system_text(self.errno), "Choose another port or path"))
            raise errors.ListenError("the server", f"can't listen on {address}", why, fix)


@ffi.callback("void(struct us_listen_socket_t*, uws_app_listen_config_t, void*)")  # type: ignore[untyped-decorator]
def on_listen(listen_socket: Any, _config: Any, user_data: Any) -> None:
    """Handle that a port is listened on, or can't be."""
    from_handle(user_data).note(listen_socket)


@ffi.callback("void(struct us_listen_socket_t*, const char*, size_t, int, void*)")  # type: ignore[untyped-decorator]
def on_listen_path(listen_socket: Any, _path: Any, _length: int, _options: int, user_data: Any) -> None:
    """Handle that a Unix socket is listened on, or can't be."""
    from_handle(user_data).note(listen_socket)


def _all_addresses() -> str:
    """Return the address that stands for all of this machine's, as the core chooses it where it is given none."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM):
            return _IPV6
    except OSError:
        return _IPV4


def _check_unused(path: str) -> None:
    """Refuse the path of a Unix socket at which a server answers; the core would take it over without a word.

    Raises:
        ListenError: one does.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:  # its backlog is full
            pass
        except OSError:  # there is none, or one that has gone
            return
    why, fix = _REASONS[errno.EADDRINUSE]
    raise errors.ListenError("the server", f"can't listen on {path}", why, fix)


def _system_text(number: int) -> str:
    return os.strerror(number) if number else "the port or path is taken or not allowed"


def _refuse(given: Any, why: str, fix: str) -> NoReturn:
    raise errors.ListenError("the server", f"can't listen on {given!r}", why, fix)
