"""Where a server listens: an address that is checked before the core sees it, and the core's call."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from .. import errors
from ..sdk.suggest import suggestion
from .core import NULL, cast, core, ffi, lib

_IPV4: Final = "0.0.0.0"  # noqa: S104 - all addresses
_KEYS: Final = ("port", "host", "options", "domain")
_FLAGS: Final = (0, 1)  # LIBUS_LISTEN_DEFAULT and LIBUS_LISTEN_EXCLUSIVE_PORT of libusockets.h
_LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103  # bytes: sun_path, less its last NUL
_INT: Final = ffi.typeof("int")


class Address(NamedTuple):
    """Where to listen: a port of a host, of all addresses without one, or a socket's path."""

    port: int = 0
    host: str | None = None
    options: int = 0
    domain: str | None = None

    def __str__(self) -> str:
        return self.domain or (f"port {self.port}" if self.host is None else f"{self.host}, port {self.port}")


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
    if domain is not None:
        if host is not None or port != 0:
            _refuse(
                given, "it names a port or a host and a socket's path", "Write either; listen() may be called twice"
            )
        return Address(domain=_path(domain), options=options)
    if host is not None:
        host = _host(host)
    elif options:  # the core's call for all addresses takes none
        host = _IPV4
    return Address(_port(port), host, options)


def _check_options(given: Any, parts: Mapping[str, Any]) -> None:
    for key in parts:
        if key not in _KEYS:
            fix = suggestion(key, _KEYS) if isinstance(key, str) else ""
            _refuse(given, f"{key!r} is not an option", fix or f"There are {', '.join(_KEYS)}")
    options = parts.get("options", 0)
    if isinstance(options, bool) or options not in _FLAGS:
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


def listen(app: Any, address: Address) -> None:
    """Make the core listen; it calls the app's own handler, and sets its socket, once it does."""
    if address.domain is not None:
        path = os.fsencode(address.domain)
        callback = core.uws_generic_listen_domain_handler
        lib.uws_app_listen_domain_with_options(app.SSL, app.app, path, len(path), address.options, callback, app._ptr)
        return
    if address.host is None:
        lib.uws_app_listen(app.SSL, app.app, cast(_INT, address.port), core.uws_generic_listen_handler, app._ptr)
        return
    config = ffi.new("uws_app_listen_config_t *")
    # Held until the call has returned: the structure has its address alone.
    host = ffi.new("char[]", address.host.encode())
    config.port, config.host, config.options = cast(_INT, address.port), host, address.options
    lib.uws_app_listen_with_config(app.SSL, app.app, config[0], core.uws_generic_listen_handler, app._ptr)


def check_listening(app: Any, address: Address) -> None:
    """Check that the core listens where it was told to.

    Raises:
        ListenError: it does not.
    """
    if app.socket == NULL:
        raise errors.ListenError(
            "the server",
            f"can't listen on {address}",
            "the port or path is taken or not allowed",
            "Stop the other server, or choose another port",
        )


def _refuse(given: Any, why: str, fix: str) -> NoReturn:
    raise errors.ListenError("the server", f"can't listen on {given!r}", why, fix)
