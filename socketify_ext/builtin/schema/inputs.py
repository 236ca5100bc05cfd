"""What a route takes: its models around the handler, which then finds `req.valid`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from ...sdk.model import validator_of
from .valid import Valid

Handler = Callable[..., Any]


def validated_url(handler: Handler, query: Any, params: Any) -> Handler:
    """Put the models of the query and of the path's parameters before a handler, which may be that of an upgrade."""

    def handle(response: Any, request: Any, *context: Any) -> Any:
        request.valid = valid = Valid()
        _read_url(request, valid, query, params)
        return handler(response, request, *context)

    return handle


def validated_body(handler: Handler, body: Any, query: Any, params: Any) -> Handler:
    """Put the models of a whole request before a handler; the body is read last."""
    validator_of(body)

    async def handle(response: Any, request: Any) -> Any:
        request.valid = valid = Valid()
        _read_url(request, valid, query, params)
        valid.body = await response.get_json(body)
        result = handler(response, request)
        return await result if isawaitable(result) else result

    return handle


def _read_url(request: Any, valid: Valid, query: Any, params: Any) -> None:
    if params is not None:
        valid.params = request.get_parameters(params)
    if query is not None:
        valid.query = request.get_queries(query)
