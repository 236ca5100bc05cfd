"""Route parameters by name: the names stand in a route's pattern, the values in the core's memory by position."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .. import errors
from ..sdk.compilation import subclass
from ..sdk.suggest import suggestion
from .shared_keys import prime_shared_keys

if TYPE_CHECKING:
    from .request import Request


def parameter_names(pattern: str) -> tuple[str, ...]:
    """Return the names of a pattern's parameters in order, as in ("user", "item") for "/:user/items/:item"."""
    return tuple(part[1:] for part in pattern.split("/") if part.startswith(":"))


def with_parameter_names(request_class: Any, pattern: str) -> Any:
    """Return the class of the requests of a pattern, which knows its names; one for all patterns that have the same.

    The names are on the class, so that a request takes neither time nor memory for them.
    """
    names = parameter_names(pattern)
    if not names:
        return request_class
    known = vars(request_class).get("_named_classes")
    if known is None:
        known = request_class._named_classes = {}
    if names not in known:
        known[names] = subclass(request_class, {"_parameter_names": names})
        prime_shared_keys("request", known[names])
    return known[names]


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
