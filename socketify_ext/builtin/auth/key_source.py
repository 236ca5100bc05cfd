"""Where a JSON Web Key Set is read: a file, or a URL. Both block, so they run in a thread."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from .options import is_url

MAX_LENGTH: Final = 256 * 1024
_CHUNK: Final = 16 * 1024


# No handler for redirects, which could lead from https to anywhere, nor for files and FTP.
_HANDLERS: Final = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
)


def read(location: str | Path, timeout: float) -> bytes:
    """Read a document of 256 KiB at most, within about `timeout` seconds.

    Raises:
        OSError: it can't be read, is too long or takes too long.
    """
    if is_url(location):
        return _fetch(str(location), timeout)
    with Path(location).open("rb") as file:
        return _limited(file.read(MAX_LENGTH + 1))


def _fetch(url: str, timeout: float) -> bytes:
    deadline = time.monotonic() + timeout
    opener = urllib.request.OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    request = urllib.request.Request(url, headers={"Accept": "application/jwk-set+json, application/json"})  # noqa: S310 - the options allow http and https alone
    data = b""
    try:
        with opener.open(request, timeout=timeout) as response:
            while chunk := response.read1(_CHUNK):
                data = _limited(data + chunk)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"it took more than {timeout} seconds")
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"it answers {error.code}") from None
    except http.client.HTTPException as error:
        raise OSError(f"it answers what is no HTTP ({type(error).__name__})") from None
    return data


def _limited(data: bytes) -> bytes:
    if len(data) > MAX_LENGTH:
        raise OSError(f"it is longer than {MAX_LENGTH} bytes")
    return data
