"""Route parameters by name: the names stand in a route's pattern, the values in the core's memory by position."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .. import errors
from ..sdk.suggest import suggestion

if TYPE_CHECKING:
    from .request import Request


def parameter_names(pattern: str) -> tuple[str, ...]:
    """Return the names of a pattern's parameters in order, as in ("user", "item") for "/:user/items/:item"."""
    return tuple(part[1:] for part in pattern.split("/") if part.startswith(":"))


class EnteredNames:
    """The names of a request's parameters: those of the route that the server has entered, or of its snapshot.

    So a request takes no memory for them, and its dispatch the time of one assignment. An attribute of the request
    itself, as a snapshot sets it, comes before this one.
    """

    def __get__(self, request: Any, owner: type | None = None) -> Any:
        if request is None:
            return self
        if request.req is not None:
            return request.app._server.entered.parameter_names
        if request._params is None:
            raise request._gone()
        return ()


def read_parameter(request: Request, key: Any) -> str | None:
    """Return a parameter by a key that is not exactly an int: a name, or what counts as an index.

    Raises:
        ParameterError: the route has no parameter of this name.
        TypeError: it is neither text nor an int.
    """
    if not isinstance(key, str):
        return request.get_parameter(int(operator.index(key)))
    names = request._parameter_names
    if names is None or key not in names:
        raise _unknown(key, names)
    return unquote(request.get_parameter(names.index(key)) or "")


def _unknown(name: str, names: Sequence[str] | None) -> errors.ParameterError:
    if names is None:
        why = "it is not known which names the parameters have"
        fix = "Call socketify_ext.install(app), write fake_request(parameters={...: ...}), or read it by its position"
    elif not names:
        why = "its route has no parameters"
        fix = 'Name it in the path, as in "/users/:id"'
    else:
        why = f"the parameters of its route are {', '.join(map(repr, names))}"
        fix = suggestion(name, names) or "Take one of these, or name it in the path"
    return errors.ParameterError(f"req.get_parameter({name!r})", "finds nothing", why, fix)
