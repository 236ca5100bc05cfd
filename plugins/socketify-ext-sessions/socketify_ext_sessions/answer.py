"""How a session reaches the answer to its request."""

from __future__ import annotations

from typing import Any

from socketify_ext.stores import open_response


def response_for_cookie(request: Any) -> Any:
    """Get the response for the cookie, None if the client has left.

    Raises:
        RuntimeError: the answer has gone.
    """
    response = open_response(request)
    if response is None and not request.aborted:
        raise RuntimeError(
            "a session's cookie can't be set: the answer has gone. "
            "Save the session, or leave the edit_session block, before you answer"
        )
    return response
