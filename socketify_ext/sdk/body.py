"""Bodies of requests: their content type, and all of their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..errors import HTTPError
from .printable import printable

JSON_TYPES: Final = ("application/json", "application/*+json")
_TEXT: Final = 200  # characters of a reason


def media_type(content_type: str | None) -> str:
    """Return the media type of a Content-Type in lower case, without its parameters; "" where there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def check_content_type(request: Any, accepted: Sequence[str]) -> str:
    """Check that a body has a type that can be read; a request without a body needs none.

    A body without a Content-Type is refused: a page of another site can make a browser send one without asking first.

    Args:
        request: the request.
        accepted: media types in lower case; "*" stands for any text, as in "application/*+json".

    Returns:
        The media type, "" where there is no body.

    Raises:
        HTTPError: 415, it has another type or none; the detail and the `Accept` header say which are accepted.
    """
    found = media_type(request.get_header("content-type"))
    if found in accepted:
        return found
    if not found and not request.has_body:
        return ""
    if not any(_matches(found, each) for each in accepted):
        what = "the body has another Content-Type" if found else "the body has no Content-Type"
        raise HTTPError(415, f"{what}; accepted: {', '.join(accepted)}", {"Accept": ", ".join(accepted)})
    return found


def _matches(found: str, accepted: str) -> bool:
    before, star, after = accepted.partition("*")
    if not star:
        return found == accepted
    return len(found) > len(before) + len(after) and found.startswith(before) and found.endswith(after)


async def read_body(response: Any, limit: int | None = None) -> bytes:
    """Read all of a request's body.

    Args:
        response: the response of the request.
        limit: bytes of the body; by default what its route or the app allows.

    Raises:
        HTTPError: 413, it is larger; 400, the client has left before its end.
    """
    data: bytes = (await response.get_data(limit)).getvalue()
    if response.aborted:
        raise HTTPError(400, "the client has left before the end of the body")
    if limit is not None and len(data) > limit:  # it was read before, with another limit
        raise HTTPError(413, f"the body is larger than {limit} bytes")
    return data


def not_json(why: str) -> HTTPError:
    """Make the error of a body that is not JSON."""
    return HTTPError(400, f"the body is not JSON: {printable(why, _TEXT)}" if why else "the body is not JSON")
