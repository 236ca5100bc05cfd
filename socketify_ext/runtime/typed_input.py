"""What a request holds, as a model: its JSON body, its query and the parameters of its route."""

from __future__ import annotations

from typing import Any

from .. import errors
from ..sdk.body import JSON_TYPES, check_content_type, read_body
from .json_decoder import load_json
from .parameters import read_parameter


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
    """Return a request's query as a model.

    Raises:
        HTTPError: 422, it does not fit.
    """
    from ..sdk.model import fit_texts

    return fit_texts(model, request.get_queries(), len(request.get_full_url() or ""))


def fit_parameters(request: Any, model: Any) -> Any:
    """Return the parameters of a request's route as a model, by their names.

    Raises:
        HTTPError: 422, they do not fit.
        ParameterError: their names are not known.
    """
    from ..sdk.model import fit_texts

    names = request._parameter_names
    if names is None:
        raise errors.ParameterError(
            "req.get_parameters(Model)",
            "finds nothing",
            "it is not known which names the parameters have",
            "Call socketify_ext.install(app), write fake_request(parameters={...: ...}), or read them by position",
        )
    return fit_texts(model, {name: (read_parameter(request, name),) for name in names}, len(request.get_url() or ""))
