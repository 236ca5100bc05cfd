"""An extension as plain data, for `socketify-ext show` to print."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socketify_ext.errors import ExtensionError, OptionsError
from socketify_ext.sdk.provenance import source_location
from socketify_ext.sdk.spec import TARGETS

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from socketify_ext.sdk.declaration import Declaration, Extension
    from socketify_ext.sdk.request_hooks import RequestHook
    from socketify_ext.sdk.spec import MemberSpec


@dataclass(frozen=True)
class Option:
    """One option; `type` and `default` are Python expressions, `default` is None where the option is required."""

    name: str
    type: str
    required: bool
    default: str | None
    description: str


@dataclass(frozen=True)
class Member:
    """One member, with the file and line that put it there."""

    name: str
    kind: str
    signature: str
    is_async: bool
    override: bool
    doc: str
    file: str
    line: int


@dataclass(frozen=True)
class Place:
    """A function that the extension has run at start-up or shutdown."""

    name: str
    file: str
    line: int


@dataclass(frozen=True)
class Hook:
    """A function that the extension has run around requests or WebSockets; `prefix` is "/" for all paths."""

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
class Description:
    """All that can be told of an extension without an app.

    `members` has a list for each target. Where the extension could not be declared, `members_error` says why and
    members, request hooks, start-up, shutdown and routes are empty.
    """

    name: str
    version: str | None
    distribution: str | None
    file: str
    line: int
    summary: str
    doc: str
    requires: list[str]
    before: list[str]
    after: list[str]
    options: list[Option]
    members: dict[str, list[Member]]
    members_error: str | None
    hooks: list[str]
    request_hooks: list[Hook]
    startup: list[Place]
    shutdown: list[Place]
    routes: list[Route]


def describe(extension: Extension, hooks: Iterable[str]) -> tuple[Description, bool]:
    """Describe an extension and the hooks of its distribution.

    Returns:
        The description, and whether the extension is sound: False where it fails with valid default options.
    """
    options, valid = _default_options(extension)
    declaration: Declaration | None = None
    problem = None
    try:
        declaration = extension.declare(options=options)
    except Exception as error:  # it may raise anything
        problem = _one_line(error, valid)
    app = declaration.app if declaration else None
    description = Description(
        name=extension.name,
        version=extension.version,
        distribution=extension.distribution,
        file=extension.provenance.file,
        line=extension.provenance.line,
        summary=extension.summary,
        doc=inspect.getdoc(extension.function) or "",
        requires=list(extension.requires),
        before=list(extension.before),
        after=list(extension.after),
        options=_options(extension.options_model),
        members=_members(declaration.spec.members if declaration else ()),
        members_error=problem,
        hooks=list(hooks),
        request_hooks=[_hook(hook) for hook in app.hooks] if app else [],
        startup=[_place(function) for function in app.startup] if app else [],
        shutdown=[_place(function) for function in app.shutdown] if app else [],
        routes=[Route(method, path) for method, path, _ in app.routes] if app else [],
    )
    return description, problem is None or not valid


def _default_options(extension: Extension) -> tuple[BaseModel | None, bool]:
    """Give the default options and whether they are valid: some extensions have options that must be given."""
    try:
        return extension.validated_options(), True
    except OptionsError:
        model = extension.options_model
        return (model.model_construct() if model else None), False


def _one_line(error: Exception, valid: bool) -> str:
    told = str(error) if isinstance(error, ExtensionError) else f"{type(error).__name__}: {error}"
    because = "" if valid else "options must be given first; without them, "
    return because + " ".join(told.split())


def _options(model: type[BaseModel] | None) -> list[Option]:
    return [_option(field.alias or name, field) for name, field in model.model_fields.items()] if model else []


def _option(name: str, field: FieldInfo) -> Option:
    if field.is_required():
        default = None
    elif field.default_factory is not None:
        default = f"{getattr(field.default_factory, '__name__', 'factory')}()"
    else:
        default = repr(field.default)
    kind = inspect.formatannotation(field.annotation)
    return Option(name, _short(kind), field.is_required(), default, field.description or "")


def _members(members: Iterable[MemberSpec]) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {target: [] for target in TARGETS}
    for member in members:
        method = member if member.kind == "method" else None
        found[member.target].append(
            Member(
                name=member.name,
                kind=member.kind,
                signature=_short(member.signature),
                is_async=method.is_async if method else False,
                override=member.override,
                doc=method.doc if method else "",
                file=member.provenance.file,
                line=member.provenance.line,
            )
        )
    return found


def _short(annotations: str) -> str:
    return re.sub(r"\b(?:typing|collections\.abc)\.(?=[A-Z])", "", annotations)


def _hook(hook: RequestHook) -> Hook:
    place = _place(hook.function)
    return Hook(hook.event, "/" + "/".join(hook.prefix), place.name, place.file, place.line)


def _place(function: Callable[..., Any]) -> Place:
    return Place(
        getattr(function, "__qualname__", type(function).__name__).rpartition(".")[2], *source_location(function)
    )
