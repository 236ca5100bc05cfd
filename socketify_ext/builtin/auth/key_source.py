"""Where a JSON Web Key Set is read: a file, or a URL. Both block, so they run in a thread of their own."""

from __future__ import annotations

import functools
import http.client
import io
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .options import is_url

MAX_LENGTH: Final = 256 * 1024
MAX_HEADS: Final = 64 * 1024  # of all heads of one fetch: a proxy's, informational ones and the answer's own


class Budget:
    """What one fetch may still take: seconds, and bytes of whatever the other end sends.

    Args:
        timeout: seconds for all of it.
        length: bytes.
        clock: returns seconds.
    """

    def __init__(self, timeout: float, length: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._length, self._clock = timeout, length, clock
        self._deadline = clock() + timeout

    def timed_out(self) -> TimeoutError:
        """Return the error of a fetch that took too long."""
        return TimeoutError(f"it took more than {self._timeout:g} seconds")

    def seconds(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self._deadline - self._clock()
        if left <= 0:
            raise self.timed_out()
        return left

    def spend(self, count: int) -> None:
        """Count bytes as received.

        Raises:
            OSError: none are left.
        """
        self._length -= count
        if self._length < 0:
            raise OSError(f"it is longer than {MAX_LENGTH} bytes")


class _Metered(io.RawIOBase):
    """Read a socket within a budget: each read waits only for the seconds that are left of the whole."""

    def __init__(self, connection: Any, budget: Budget) -> None:
        self._socket, self._budget = connection, budget
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._budget.seconds())
        count: int | None = self._raw.readinto(buffer)
        self._budget.spend(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Incoming:
    """Stand in for a socket where `http.client` makes a file of it to read a response."""

    def __init__(self, connection: Any, budget: Budget) -> None:
        self._socket, self._budget = connection, budget

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Metered(self._socket, self._budget))


def _within(budget: Budget, kind: type[http.client.HTTPConnection]) -> Any:
    """Derive a connection that reads every response, a proxy's too, within a budget."""

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: Any, *arguments: Any, **named: Any) -> None:
            super().__init__(_Incoming(sock, budget), *arguments, **named)  # type: ignore[arg-type]

    class Connection(kind):  # type: ignore[valid-type,misc]
        response_class = Response

        def connect(self) -> None:
            self.timeout = budget.seconds()
            super().connect()
            self.sock.settimeout(budget.seconds())

    return Connection


class _Http(urllib.request.HTTPHandler):
    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_within(self._budget, http.client.HTTPConnection), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def https_open(self, req: urllib.request.Request) -> Any:
        connection = _within(self._budget, http.client.HTTPSConnection)
        return self.do_open(functools.partial(connection, context=ssl.create_default_context()), req)


def read(location: str | Path, timeout: float) -> bytes:
    """Read a document of 256 KiB at most.

    `timeout` is one deadline for the whole of a fetch: connection, TLS, a proxy, informational answers, head and body.
    Looking up the host's name alone has a time limit of its own, that of the system.

    Raises:
        OSError: it can't be read, is too long or takes too long.
    """
    if is_url(location):
        return _fetch(str(location), Budget(timeout, MAX_HEADS + MAX_LENGTH))
    with Path(location).open("rb") as file:
        return _limited(file.read(MAX_LENGTH + 1))


def _fetch(url: str, budget: Budget) -> bytes:
    opener = urllib.request.OpenerDirector()
    # No handler for redirects, which could lead from https to anywhere, nor for files and FTP.
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(budget),
        _Https(budget),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310 - the options allow http and https alone
    try:
        with opener.open(request, timeout=budget.seconds()) as response:
            data: bytes = response.read(MAX_LENGTH + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"it answers {error.code}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise (budget.timed_out() if isinstance(reason, TimeoutError) else OSError(str(reason))) from None
    except http.client.HTTPException as error:
        raise OSError(f"its answer is not HTTP ({type(error).__name__})") from None
    return _limited(data)


def _limited(data: bytes) -> bytes:
    if len(data) > MAX_LENGTH:
        raise OSError(f"it is longer than {MAX_LENGTH} bytes")
    return data
