"""URLs of engines, which may hold passwords: parsed strictly, and never shown by an error or a log."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import unquote

from pydantic_core import PydanticCustomError

_PARTS: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.ASCII)
_AUTHORITY: Final = re.compile(
    r"(?:([!-?A-Z^-~]*)@)?(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?)(?::([0-9]{1,5}))?"
)
_QUERY: Final = re.compile(r"(?:\w+=[^=&@]*(?:&\w+=[^=&@]*)*)?", re.ASCII)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPES: Final = "/ as %2F, ? as %3F, # as %23, @ as %40, : as %3A, % as %25"


class _Shape(NamedTuple):
    """What a URL of a scheme consists of."""

    example: str
    path: str
    has_host: bool = False
    has_user: bool = False
    has_query: bool = False


_REDIS: Final = _Shape("redis://user:password@host:6379/0", "/?[0-9]*", has_host=True, has_user=True, has_query=True)
_NATS: Final = _Shape("nats://user:password@host:4222", "/?", has_host=True, has_user=True)
_SHAPES: Final = {
    "memory": _Shape("memory://", "", has_query=True),
    "sqlite": _Shape("sqlite:///folder/file.db", "/(?!:memory:$).+"),  # that would be a file of this name
    "unix": _Shape("unix:///folder/engine.sock", "/.+", has_user=True, has_query=True),
    **dict.fromkeys(("redis", "rediss", "valkey", "valkeys"), _REDIS),
    **dict.fromkeys(("nats", "tls"), _NATS),
}


@dataclass(frozen=True)
class EngineUrl:
    """The parts of an engine's URL, decoded; `str(url)` and `repr(url)` show no secret."""

    scheme: str
    host: str = ""
    port: int | None = None
    path: str = ""
    query: str = field(default="", repr=False)
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"


def parse_url(url: Any, schemes: Collection[str], *, options_of_memory: bool = False) -> EngineUrl:
    """Parse the URL of an engine.

    A password with a character that is not encoded would be read as a host, a port or a path, and shown; so whatever is
    not exactly a URL (RFC 3986, 3) is refused, in words that hold nothing of it.

    Args:
        url: as in redis://user:password@host:6379/0, nats://host, unix:///path?db=1, sqlite:///path or memory://.
        schemes: those that are known here.
        options_of_memory: whether memory:// may be followed by ?name=value.

    Raises:
        PydanticCustomError: it is malformed; a ValueError whose text is fit for an error of options.
    """
    scheme = url.partition("://")[0] if isinstance(url, str) and "://" in url else None
    if scheme is None or scheme not in schemes:
        _refuse(f"begin it with one of {', '.join(f'{each}://' for each in schemes)}")
    shape = _SHAPES[scheme]
    parsed = _parsed(url)
    if parsed is None or not _fits(parsed, shape):
        _refuse(f"write it as {shape.example}, and encode what is special in a user, a password or a path: {_ESCAPES}")
    if scheme == "memory" and parsed.query and not options_of_memory:
        _refuse("memory:// takes no options")
    return parsed


def _parsed(url: str) -> EngineUrl | None:
    parts = _PARTS.fullmatch(url)
    if parts is None or _CONTROL.search(url) or _BAD_ESCAPE.search(url):
        return None
    scheme, authority, path, query = (part or "" for part in parts.groups())
    found = _AUTHORITY.fullmatch(authority)
    if found is None or not _QUERY.fullmatch(query):
        return None
    user_info, host, port = found.groups()
    user, has_password, password = (user_info or "").partition(":")
    return EngineUrl(
        scheme,
        host,
        None if port is None else int(port),
        unquote(path),
        query,
        None if user_info is None else unquote(user),
        unquote(password) if has_password else None,
    )


def _fits(url: EngineUrl, shape: _Shape) -> bool:
    return (
        bool(url.host) == shape.has_host
        and (url.port is None or (shape.has_host and 0 < url.port < 65536))
        and (url.user is None or shape.has_user)
        and (not url.query or shape.has_query)
        and re.fullmatch(shape.path, url.path, re.ASCII | re.DOTALL) is not None
        and (not url.host.startswith("[") or _is_address(url.host[1:-1]))
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _refuse(why: str) -> NoReturn:
    raise PydanticCustomError("engine_url", "the URL can't be used: {why}", {"why": why})
