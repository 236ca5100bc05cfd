"""What the options do to a route when it is bound; models that can't work are errors then, not at a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

from pydantic import BeforeValidator

from ... import errors
from ...sdk.model import validator_of
from .answers import OK, Answers
from .inputs import body_taker, validated

if TYPE_CHECKING:
    from ...sdk.route_surface import RouteSurface

INPUTS: Final = ("body", "query", "params")
_BODILESS: Final = ("GET", "HEAD", "WS")


def _by_status(returns: Any) -> dict[int, Any]:
    if not isinstance(returns, Mapping):
        return {OK: returns}
    wrong = [status for status in returns if type(status) is not int or not 200 <= status <= 599]
    if wrong or not returns:
        raise ValueError("give a model, or models by status, as in {201: Order, 404: Problem}; None is for no content")
    return dict(returns)


Model = type[Any] | Any
"""A class, or what else pydantic takes for a model, as `list[int]`."""

Returns = Annotated[Model, BeforeValidator(_by_status)]
"""Models by status."""


def apply_input(name: str) -> Callable[[RouteSurface, Any], None]:
    """Return what one of the options does: the first one of a route acts for all of them."""
    return partial(_apply_input, name)


def _apply_input(name: str, route: RouteSurface, model: Any) -> None:
    given = {each: route.info.options[each] for each in INPUTS if route.info.options.get(each) is not None}
    if model is None:
        _refuse(route, name, "None is no model", "Leave it out, or give a model")
    _check_model(route, name, model)
    if name == "body" and route.info.method in _BODILESS:
        _refuse(route, name, f"a {route.info.method} route has no body", "Take query=Model, or another method")
    if name == "params":
        _check_names(route, model)
    if name != next(iter(given)):
        return
    body, query, params = map(given.get, INPUTS)
    route.around(partial(validated, query=query, params=params, has_body=body is not None))
    if body is not None:
        route.read_body(body_taker(body))


def apply_returns(route: RouteSurface, models: Mapping[int, Any]) -> None:
    """Let the route's objects be encoded by the models of their status."""
    if route.info.is_websocket:
        _refuse(route, "returns", "a WebSocket answers no request", "Leave it out")
    try:
        answers = Answers(f"route {route.info}", models)
    except Exception as error:  # pydantic, msgspec and the model's own code raise whatever they like
        _refuse(route, "returns", _first_line(error), "Give what pydantic or msgspec can encode", error)
    route.encode(answers.encode)


def _check_model(route: RouteSurface, name: str, model: Any) -> None:
    try:
        validator = validator_of(model)
        if name != "body":
            _ = validator.names
    except errors.ArgumentError as error:
        _refuse(route, name, f"{error.who} {error.what}: {_first_line(error.why)}", error.fix, error)


def _check_names(route: RouteSurface, model: Any) -> None:
    """Check that the path has what a model of its parameters requires, since it would never fit."""
    names = [part[1:] for part in route.info.pattern.split("/") if part.startswith(":")]
    if not names:
        _refuse(route, "params", "its path has no parameters", 'Name them in the path, as in "/users/:id"')
    missing = [min(called) for called in validator_of(model).names.required if not called & set(names)]
    if missing:
        _refuse(
            route,
            "params",
            f"its path has no parameter {' and '.join(missing)}, which {getattr(model, '__name__', model)} requires",
            f"Write it as :{missing[0]} in the path, or give the field a default",
        )


def _first_line(error: Any) -> str:
    return str(error).strip().partition("\n")[0]


def _refuse(route: RouteSurface, name: str, why: str, fix: str, cause: BaseException | None = None) -> NoReturn:
    raise errors.RouteOptionError(
        f"route {route.info}", f"can't have {name}=...", why, fix, route=route.info, option=name
    ) from cause
