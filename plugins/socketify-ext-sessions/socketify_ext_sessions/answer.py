"""How a session reaches the answer to its request."""

from __future__ import annotations

import asyncio
from typing import Any


async def response_of(request: Any) -> Any:
    """Give the response of a request, None where its head or its client has gone."""
    if request.response is None:
        await asyncio.sleep(0)  # a request finds its response once its handler has been suspended
    return _open(request)


def response_for_cookie(request: Any) -> Any:
    """Give the response that shall carry the cookie, None where the client has left.

    Raises:
        RuntimeError: the answer has gone.
    """
    response = _open(request)
    if response is None and not request.aborted:
        raise RuntimeError(
            "a session's cookie can't be set: the answer has gone. "
            "Save the session, or leave the edit_session block, before you answer"
        )
    return response


def _open(request: Any) -> Any:
    response = request.response
    return None if response is None or response.has_responded() else response
