"""The outcome of a request, as `after_response` hooks get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .request import Request
    from .response import Response


class Outcome(NamedTuple):
    """The outcome of a request, as `after_response` hooks get it.

    Attributes:
        status: the status that was sent, as in 404; None where none was.
        route: the pattern of the route that had the request last, as in "/items/:id"; "/*" where there was none.
        method: the route's, as in "GET"; the client's own where the route takes any.
        duration: seconds from the first hook or handler to the answer.
        aborted: whether the connection ended before the answer was complete.
        response: the response, which takes nothing more.
        request: the request; it has what was read before, and all of it after a handler that has suspended.
    """

    status: int | None
    route: str
    method: str
    duration: float
    aborted: bool
    response: Response
    request: Request
