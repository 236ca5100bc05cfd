"""What a route takes: its models around the handler, which then finds `req.valid`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...sdk.body import JSON_TYPES, check_content_type, not_json
from ...sdk.model import validator_of
from .valid import Valid

Handler = Callable[..., Any]


def validated(handler: Handler, *, query: Any, params: Any, has_body: bool) -> Handler:
    """Put the models of the query and of the path's parameters before a handler, which may be that of an upgrade."""

    def handle(response: Any, request: Any, *context: Any) -> Any:
        request.valid = valid = Valid()
        if params is not None:
            valid.params = request.get_parameters(params)
        if query is not None:
            valid.query = request.get_queries(query)
        if has_body:
            check_content_type(request, JSON_TYPES)
        return handler(response, request, *context)

    return handle


def body_taker(model: Any) -> Callable[[Any, Any, bytes], None]:
    """Return what makes the model of a body."""
    fit = validator_of(model).fit_json

    def take(_response: Any, request: Any, body: bytes) -> None:
        if not body:
            raise not_json("it is empty")
        request.valid.body = fit(body)

    return take
