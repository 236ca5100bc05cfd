"""A request without a server: all in its snapshot, but for the yield."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote


@dataclass
class Asked:
    """What stands for the core's memory of a request, and its response, which is made when it is asked for."""

    body: bytes
    respond: Callable[[Any], Any]
    has_yield: bool = False
    response: Any = None


class RequestLibrary:
    """The core's functions for requests: each takes an `Asked`."""

    def uws_req_set_yield(self, req: Asked, has_yield: bool) -> None:
        """Leave the request to the next matching route."""
        req.has_yield = has_yield

    def uws_req_get_yield(self, req: Asked) -> bool:
        """Return whether the request was left to the next matching route."""
        return req.has_yield

    def uws_req_is_ancient(self, _: Asked) -> bool:
        """Return False: a fake client does not speak HTTP/1.0."""
        return False


def _response(request: Any) -> Any:
    asked = request.req
    if asked.response is None:
        asked.response = asked.respond(request)
    return asked.response


NATIVE: Final = {"_lib": RequestLibrary(), "_dispatched_response": _response}


def fill(
    request: Any,
    method: str,
    full_url: str,
    headers: dict[str, str],
    parameters: Sequence[str] | Mapping[str, Any],
    asked: Asked,
) -> None:
    """Set what a request is asked for."""
    request.req = asked
    request._method = method
    request._full_url = full_url
    request._url = full_url.partition("?")[0]
    request._headers = headers
    if isinstance(parameters, Mapping):
        request._parameter_names = tuple(parameters)
        request._params = [quote(str(value), safe="") for value in parameters.values()]
    else:
        request._parameter_names = None
        request._params = list(parameters)
