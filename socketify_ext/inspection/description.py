"""An extension as plain data: the one description that the command line and the pages read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from socketify_ext.errors import ExtensionError
from socketify_ext.sdk.provenance import location, source_location

from .annotation import annotation
from .member import Member, describe_member
from .scope import Scope

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from socketify_ext.sdk.declaration import Declaration, Extension
    from socketify_ext.sdk.provenance import Provenance
    from socketify_ext.sdk.request_hooks import RequestHook
    from socketify_ext.sdk.route_option import RouteOption as DeclaredOption


@dataclass(frozen=True)
class Option:
    """One option; `type` and `default` are Python expressions, `default` is None where the option is required.

    `options` are those of a nested model.
    """

    name: str
    type: str
    required: bool
    default: str | None
    description: str
    options: list[Option]


@dataclass(frozen=True)
class ExtensionDescription:
    """An extension, and where it comes from."""

    name: str
    version: str | None
    distribution: str | None
    file: str
    line: int
    summary: str
    requires: list[str]

    @property
    def origin(self) -> str:
        """Return the distribution and its version, or "" for an extension that a program declares itself."""
        return " ".join(part for part in (self.distribution, self.version) if part)

    @property
    def location(self) -> str:
        """Return the origin and the line, as in `socketify-ext 0.1.0, auth/extension.py:15`."""
        return ", ".join(part for part in (self.origin, location(self.file, self.line)) if part)


@dataclass(frozen=True)
class Place:
    """A function that runs at start-up or shutdown."""

    name: str
    file: str
    line: int


@dataclass(frozen=True)
class Hook:
    """A function that runs around requests or WebSockets; `prefix` is "/" for all paths."""

    event: str
    prefix: str
    name: str
    file: str
    line: int


@dataclass(frozen=True)
class Route:
    """A route that the extension adds."""

    method: str
    path: str


@dataclass(frozen=True)
class RouteOption:
    """An option of routes that the extension declares; `type` is a Python expression."""

    name: str
    type: str


@dataclass(frozen=True)
class DeclaredExtension(ExtensionDescription):
    """An extension, and what it declares without an app.

    `needs` are the options that must be given and are not, and `needs_because` says what is wrong without them: members
    may differ with them. Where the declaration fails, `members_error` says why, and what the calls of its function declare is
    what it has declared until then.
    """

    doc: str
    before: list[str]
    after: list[str]
    tested_with: list[str]
    options: list[Option]
    members: list[Member]
    needs: list[str]
    needs_because: str | None
    members_error: str | None
    hooks: list[str]
    request_hooks: list[Hook]
    route_options: list[RouteOption]
    startup: list[Place]
    shutdown: list[Place]
    routes: list[Route]


def common_parts(provenance: Provenance, summary: str, requires: Iterable[object]) -> dict[str, Any]:
    """Return the parts of an `ExtensionDescription`."""
    return {
        "name": provenance.extension,
        "version": provenance.version,
        "distribution": provenance.distribution,
        "file": provenance.file,
        "line": provenance.line,
        "summary": summary,
        "requires": [str(requirement) for requirement in requires],
    }


def describe(extension: Extension, hooks: Iterable[str], app: Any = None) -> tuple[DeclaredExtension, bool]:
    """Describe an extension and the hooks of its distribution.

    Args:
        extension: with or without its options.
        hooks: their names.
        app: behind the `app` that the extension gets; without one, it can't read an attribute of the app.

    Returns:
        The description, and whether the extension is sound: False where it fails with valid options.

    Raises:
        OptionsError: a given option is wrong.
    """
    from .unconfigured import Unconfigured, describable  # not to read a manifest

    extension = describable(extension)
    lacking = extension if isinstance(extension, Unconfigured) else None
    declaration: Declaration | None = None
    problem = None
    try:
        declaration = extension.declare(app=app)
    except Exception as error:  # it may raise anything
        problem = _one_line(error)
    if lacking is not None and lacking.stops:
        problem = lacking.stops[0]
    recorded = declaration.app if declaration else None
    description = DeclaredExtension(
        **common_parts(extension.provenance, extension.summary, extension.requires),
        doc=inspect.getdoc(extension.function) or "",
        before=list(extension.before),
        after=list(extension.after),
        tested_with=list(extension.tested_with),
        options=_options(extension.options_model),
        members=[describe_member(member) for member in declaration.spec.members] if declaration else [],
        needs=list(lacking.missing) if lacking else [],
        needs_because=lacking.because if lacking else None,
        members_error=problem,
        hooks=list(hooks),
        request_hooks=[_hook(hook) for hook in recorded.hooks] if recorded else [],
        route_options=[_route_option(option) for option in recorded.route_options] if recorded else [],
        startup=[_place(function) for function in recorded.startup] if recorded else [],
        shutdown=[_place(function) for function in recorded.shutdown] if recorded else [],
        routes=[Route(route.method, route.path) for route in recorded.declared_routes] if recorded else [],
    )
    return description, problem is None or lacking is not None


def _one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, ExtensionError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _options(model: type[BaseModel] | None) -> list[Option]:
    return [_option(field.alias or name, field) for name, field in model.model_fields.items()] if model else []


def _option(name: str, field: FieldInfo) -> Option:
    if field.is_required():
        default = None
    elif field.default_factory is not None:
        default = f"{getattr(field.default_factory, '__name__', 'factory')}()"
    else:
        default = repr(field.default)
    return Option(
        name,
        annotation(field.annotation, Scope()).short,
        field.is_required(),
        default,
        field.description or "",
        _options(_nested(field)),
    )


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    from pydantic import BaseModel

    for each in (field.annotation, *get_args(field.annotation)):
        if inspect.isclass(each) and issubclass(each, BaseModel):
            return each
    return None


def _hook(hook: RequestHook) -> Hook:
    place = _place(hook.function)
    return Hook(hook.event, "/" + "/".join(hook.prefix), place.name, place.file, place.line)


def _route_option(option: DeclaredOption) -> RouteOption:
    return RouteOption(option.name, annotation(option.type, Scope()).short)


def _place(function: Callable[..., Any]) -> Place:
    return Place(
        getattr(function, "__qualname__", type(function).__name__).rpartition(".")[2], *source_location(function)
    )
