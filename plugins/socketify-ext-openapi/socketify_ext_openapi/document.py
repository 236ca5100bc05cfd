"""The document: OpenAPI 3.1 of a sequence of routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .operation import Operation
from .options import Options
from .paths import parameter_names, shape, template
from .schemas import Schemas
from .security import Security

if TYPE_CHECKING:
    from socketify_ext import RouteInfo

VERSION: Final = "3.1.0"
METHODS: Final = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")  # that OpenAPI 3.1 knows
ANY: Final = ("GET", "PUT", "POST", "DELETE", "PATCH")  # what a route of every method is written as


def build_document(routes: Iterable[RouteInfo], options: Options, security: Security) -> dict[str, Any]:
    """Return the document of the routes that are documented, in their order.

    Raises:
        RouteError: two operations have one operationId.
    """
    schemas = Schemas()
    operations = [Operation(*each, schemas, security) for each in documented(routes)]
    schemas.make()
    paths: dict[str, dict[str, Any]] = {}
    identities: dict[str, Operation] = {}
    for operation in operations:
        operation.claim_identity(identities)
        paths.setdefault(operation.path, {})[operation.method.lower()] = operation.written()
    used = security.used()
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": {**options.info, "title": options.title, "version": options.version},
        "paths": paths,
    }
    if options.description:
        document["info"]["description"] = options.description
    if options.servers:
        document["servers"] = [{"url": url} for url in options.servers]
    components = {"schemas": schemas.components(), "securitySchemes": used}
    if any(components.values()):
        document["components"] = {name: part for name, part in components.items() if part}
    if options.tags:
        document["tags"] = [tag.model_dump(exclude_defaults=True) for tag in options.tags]
    return document


def documented(routes: Iterable[RouteInfo]) -> list[tuple[RouteInfo, str, str, Sequence[str]]]:
    """Return the routes that are documented, each with a method, its path in OpenAPI, and the names of its parameters.

    Paths that differ in the names of their parameters alone are one in OpenAPI; they get the names of the first.
    """
    shown = [route for route in routes if is_documented(route)]
    taken = {(route.method, shape(route.pattern)) for route in shown}
    named: dict[str, tuple[str, Sequence[str]]] = {}
    found: list[tuple[RouteInfo, str, str, Sequence[str]]] = []
    for route in shown:
        key, own = shape(route.pattern), parameter_names(route.pattern)
        path, names = named.setdefault(key, (template(route.pattern, own), own))
        free = [method for method in ANY if (method, key) not in taken]
        found += [(route, method, path, names) for method in (free if route.method == "ANY" else [route.method])]
    return found


def is_documented(route: RouteInfo) -> bool:
    """Whether a route is in the document: those of the app that OpenAPI can say, and others that ask for it."""
    hidden = route.options.get("hidden")
    if route.is_websocket or route.method not in (*METHODS, "ANY"):
        return False
    return not hidden if hidden is not None else route.extension is None


def operation_models(options: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """Return the models of a route: the option, the model, and whether it is read or written."""
    returns = options.get("returns")
    answers = returns.values() if isinstance(returns, Mapping) else [returns]
    found = [(name, options.get(name), "validation") for name in ("body", "query", "params")]
    return [
        each for each in [*found, *(("returns", model, "serialization") for model in answers)] if each[1] is not None
    ]
