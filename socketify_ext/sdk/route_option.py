"""Options of routes that extensions declare: a name, a type that checks values, and what they do to a route."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from .. import errors
from .provenance import calling_location, location
from .request_hooks import owner
from .suggest import suggestion

if TYPE_CHECKING:
    from .provenance import Provenance
    from .route_info import RouteInfo
    from .route_surface import RouteSurface

    Apply = Callable[[RouteSurface, Any], object]

# What the route methods take themselves.
_ARGUMENTS: Final = frozenset(("self", "path", "handler", "max_body", "behavior", "route", "directory"))


@dataclass(frozen=True, eq=False)
class RouteOption:
    """One declared option.

    Attributes:
        name: the keyword in the call of a route method.
        type: the annotation of its values.
        adapter: checks and converts values.
        apply: called with the route and the value, once for each route that has the option; None for mere data.
        location: file and line of the declaration.
        provenance: of the extension that declares it, None for the app itself.
    """

    name: str
    type: Any
    adapter: TypeAdapter[Any]
    apply: Apply | None
    location: str
    provenance: Provenance | None = None

    def __str__(self) -> str:
        """Return its name for errors."""
        return f"option {self.name} of {owner(self.provenance)}"

    def validate(self, route: RouteInfo, value: Any) -> Any:
        """Return the value of a route, converted to the option's type.

        Raises:
            RouteOptionError: it does not fit.
        """
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            problems = "; ".join(_problem(detail) for detail in details)
        # Raised here, without a context: pydantic's own error quotes the given value.
        raise errors.RouteOptionError(
            f"route {route}",
            f"has {self.name}=...",
            problems,
            f"Write a value as the {self} takes it",
            route=route,
            option=self.name,
        )


def _problem(detail: Any) -> str:
    where = ".".join(map(str, detail["loc"]))
    return f"{where}: {detail['msg']}" if where else str(detail["msg"])


def unknown_option(route: RouteInfo, name: str, known: Iterable[str]) -> errors.RouteOptionError:
    """Return the error of an option that nothing has declared for a route."""
    names = sorted({*known, "max_body"})
    fix = suggestion(name, names) or f"Register the extension that declares it; there are {', '.join(names)}"
    return errors.RouteOptionError(
        f"route {route}",
        f"has the option {name}",
        "no extension of its scope has declared it",
        fix,
        route=route,
        option=name,
    )


class RouteOptions:
    """The method that declares a route option, of an app, a scope and an app surface."""

    __slots__ = ()

    @property
    def _hooked_by(self) -> Provenance | None:
        return None

    def _add_option(self, option: RouteOption) -> None:
        raise NotImplementedError

    def route_option(self, name: str, *, type: Any = Any, apply: Apply | None = None) -> None:
        """Declare an option of routes: `app.get("/me", handler, name=value)`.

        It is there for all routes, those that were added before included.

        Args:
            name: a keyword that the route methods don't take themselves.
            type: an annotation that values have to fit; pydantic checks and converts them.
            apply: called as `apply(route, value)` once for each route that has the option, when it is bound; `route` is a
                `RouteSurface`.

        Raises:
            RouteOptionError: the name or the type can't be used, or two extensions declare the option; or a route has an
                ill-typed value of it.
            SignatureError: `apply` can't be called with a route and a value.
        """
        who = owner(self._hooked_by)
        what = f"declares the route option {name}" if isinstance(name, str) else "declares a route option"
        fix = 'Write app.route_option("name", type=..., apply=...)'
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise errors.RouteOptionError(who, what, f"{name!r} is not a public keyword", fix, option=name)
        if name in _ARGUMENTS:
            why = "route methods have an argument of that name"
            raise errors.RouteOptionError(who, what, why, "Give it another name", option=name)
        adapter = _adapter(who, what, name, type)
        if apply is not None:
            _check_apply(who, what, apply)
        self._add_option(RouteOption(name, type, adapter, apply, location(*calling_location()), self._hooked_by))


def _adapter(who: str, what: str, name: str, annotation: Any) -> TypeAdapter[Any]:
    try:
        try:
            return TypeAdapter(annotation)
        except PydanticUserError:  # any class: pydantic knows none of its fields, and checks isinstance
            return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except Exception as error:  # evaluating an annotation may raise anything
        raise errors.RouteOptionError(
            who,
            what,
            f"type={annotation!r} is not an annotation ({type(error).__name__})",
            "Use a class or an annotation, as in type=list[str]",
            option=name,
        ) from None


def _check_apply(who: str, what: str, apply: Any) -> None:
    why = None
    if not callable(apply):
        why = f"apply, a {type(apply).__name__}, can't be called"
    elif inspect.iscoroutinefunction(apply):
        why = "apply is a coroutine function, and nothing is awaited while a route is added"
    else:
        try:
            inspect.signature(apply).bind("route", "value")
        except TypeError:
            why = "apply can't be called with (route, value)"
        except ValueError:  # written in C, without a signature
            return
    if why is not None:
        raise errors.SignatureError(who, what, why, "Give apply a function of (route, value)")
