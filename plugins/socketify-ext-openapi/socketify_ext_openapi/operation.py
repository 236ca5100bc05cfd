"""One operation of the document: a route under one of its methods."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field

from socketify_ext import errors

from .paths import parameter_names
from .schemas import Schema, Schemas
from .security import Security

if TYPE_CHECKING:
    from socketify_ext import RouteInfo

JSON: Final = "application/json"
BODILESS: Final = (
    "GET",
    "HEAD",
    "DELETE",
    "OPTIONS",
    "TRACE",
)  # of a route of every method, those shown without a body


class ErrorAnswer(BaseModel):
    """What went wrong."""

    detail: Any = Field(description="text, or an object with parts of the error")


class Misfit(BaseModel):
    """One thing that does not fit."""

    type: str = Field(description="the kind of error")
    loc: list[str | int] = Field(description="the steps to the value")
    msg: str = Field(description="what is wrong with it")


class MisfitAnswer(BaseModel):
    """What of the input does not fit."""

    detail: list[Misfit]


class Operation:
    """A route under one of its methods.

    Args:
        route: the route.
        method: GET and the like.
        path: the path in OpenAPI.
        names: the names of the parameters in this path.
        schemas: collects the models.
        security: knows what `auth` asks for.
    """

    def __init__(
        self, route: RouteInfo, method: str, path: str, names: Sequence[str], schemas: Schemas, security: Security
    ) -> None:
        self.route = route
        self.method = method
        self.path = path
        self._names = names
        self._schemas = schemas
        self._security = security.of(route.options)
        options: Mapping[str, Any] = route.options
        self._options = options
        self._has_body = "body" in options and not (route.method == "ANY" and method in BODILESS)
        self._input = {
            name: schemas.ask(options[name], "validation")
            for name in ("body", "query", "params")
            if options.get(name) is not None and (name != "body" or self._has_body)
        }
        returns = options.get("returns")
        models = returns if isinstance(returns, Mapping) else {200: returns} if returns is not None else {}
        self._answers = {
            status: None if model is None else (model, schemas.ask(model, "serialization"))
            for status, model in models.items()
        }
        self._error = schemas.ask(ErrorAnswer, "serialization")
        self._misfit = schemas.ask(MisfitAnswer, "serialization")
        self.identity = ""

    def claim_identity(self, taken: dict[str, Operation]) -> None:
        """Take an operationId that no other operation has.

        Raises:
            RouteError: two routes ask for the same.
        """
        asked = self._options.get("operation_id")
        identity = asked or _identity(self.method, self.path)
        if asked and self.route.method == "ANY":
            identity = f"{asked}_{self.method.lower()}"
        other = taken.get(identity)
        if other is not None and asked:
            raise errors.RouteError(
                f"route {self.route}",
                f"has operation_id={asked!r}",
                f"{other.route} has it too",
                "Give one of them another",
            )
        number = 1
        while identity in taken:
            number += 1
            identity = f"{_identity(self.method, self.path)}_{number}"
        self.identity = identity
        taken[identity] = self

    def written(self) -> dict[str, Any]:
        """Return the operation as OpenAPI writes it; its schemas have been made."""
        summary, description = self._texts()
        parameters = [*self._path_parameters(), *self._query_parameters()]
        found = {
            "tags": list(self._options.get("tags") or ()),
            "summary": summary,
            "description": description,
            "operationId": self.identity,
            "parameters": parameters,
            "requestBody": self._request_body(),
            "responses": self._responses(),
            "deprecated": bool(self._options.get("deprecated")),
            "security": self._security,
        }
        return {name: part for name, part in found.items() if part or name == "responses"}

    def _texts(self) -> tuple[str, str]:
        summary, _, description = _docstring(self.route.handler).partition("\n")
        return self._options.get("summary", summary), self._options.get("description", description.strip())

    def _path_parameters(self) -> list[dict[str, Any]]:
        own = parameter_names(self.route.pattern)
        properties: Mapping[str, Schema] = {}
        if "params" in self._input:
            properties = self._schemas.resolved(self._input["params"]()).get("properties", {})
        return [
            self._parameter(name, "path", properties.get(written, {"type": "string"}), required=True)
            for name, written in zip(self._names, own, strict=True)
        ]

    def _query_parameters(self) -> list[dict[str, Any]]:
        if "query" not in self._input:
            return []
        whole = self._input["query"]()
        schema = self._schemas.resolved(whole)
        if "properties" not in schema:  # any names, or one of several models
            return [{**self._parameter("query", "query", whole, required=False), "style": "form", "explode": True}]
        required = schema.get("required", ())
        return [
            self._parameter(name, "query", each, required=name in required)
            for name, each in schema["properties"].items()
        ]

    def _parameter(self, name: str, where: str, schema: Schema, *, required: bool) -> dict[str, Any]:
        plain = _of_text(schema)
        found: dict[str, Any] = {"name": name, "in": where}
        for key in ("description", "deprecated"):
            if key in plain:
                found[key] = plain.pop(key)
        if required:
            found["required"] = True
        found["schema"] = self._schemas.place(plain)
        return found

    def _request_body(self) -> dict[str, Any] | None:
        if "body" not in self._input:
            return None
        return {"content": {JSON: self._content(self._input["body"](), "body")}, "required": True}

    def _content(self, schema: Schema, example: str | int) -> dict[str, Any]:
        content: dict[str, Any] = {"schema": self._schemas.place(schema)}
        examples = (self._options.get("examples") or {}).get(example)
        if examples:
            content["examples"] = {name: {"value": value} for name, value in examples.items()}
        return content

    def _responses(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for status, answer in self._answers.items():
            described: dict[str, Any] = {"description": _phrase(status)}
            found[str(status)] = described
            if answer is not None:
                model, schema = answer
                kind = {str: "text/plain", bytes: "application/octet-stream"}.get(model, JSON)
                described["content"] = {kind: self._content(schema(), status)}
        if not self._answers:
            found["default"] = {"description": "The answer."}
        for status in self._own_errors():
            schema = self._misfit if status == 422 else self._error
            content = {JSON: {"schema": self._schemas.place(schema())}}
            found.setdefault(str(status), {"description": _phrase(status), "content": content})
        for status, text in (self._options.get("responses") or {}).items():
            found.setdefault(str(status), {})["description"] = text
        return dict(sorted(found.items()))

    def _own_errors(self) -> list[int]:
        """Return the statuses of errors that come before the handler."""
        found: set[int] = set()
        if self._input:
            found.add(422)
        if "body" in self._input:
            found |= {400, 413, 415}
        if self._security is not None:
            found |= {400, 401, 403}
        if self._options.get("rate_limit"):
            found.add(429)
        return sorted(found)


def _of_text(schema: Schema) -> Schema:
    """Return the schema of a parameter, which is text and so never null."""
    plain = {key: value for key, value in schema.items() if key != "default" or value is not None}
    choices = plain.get("anyOf")
    if choices is None:
        return plain
    left = [each for each in choices if each != {"type": "null"}]
    if len(left) != 1:
        return {**plain, "anyOf": left}
    del plain["anyOf"]
    return {**left[0], **plain}


def _docstring(handler: Any) -> str:
    """Return the docstring of a handler itself, not that of its class."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if not (inspect.isroutine(handler) or inspect.isclass(handler)):
        handler = vars(type(handler)).get("__call__")  # an object that can be called
    return inspect.getdoc(handler) or "" if inspect.isroutine(handler) else ""


def _identity(method: str, path: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", path)
    return "_".join([method.lower(), *words]) if words else f"{method.lower()}_root"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
