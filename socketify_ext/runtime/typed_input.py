"""What a request holds, as a model: its JSON body, its query and the parameters of its route."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from ..sdk.body import check_content_type, read_body
from .json_decoder import load_json

JSON_TYPES: Final = ("application/json", "application/*+json")


async def read_json(response: Any, model: Any) -> Any:
    """Read a body as JSON, and return it as a model if one is given.

    Raises:
        HTTPError: 415, 413, 400 or 422.
    """
    if response.request is not None:
        check_content_type(response.request, JSON_TYPES)
    data = await read_body(response)
    if model is None or not data:
        return load_json(response.app._json_serializer, data)
    from ..sdk.model import fit_json

    return fit_json(model, data)


def fit_queries(request: Any, model: Any) -> Any:
    """Return a request's query as a model; a key without a value has an empty one.

    Raises:
        HTTPError: 422, it does not fit.
    """
    from ..sdk.model import fit_texts

    query = (request.get_full_url() or "").partition("?")[2]
    return fit_texts(model, parse_qs(query, keep_blank_values=True, errors="replace"), len(query))
