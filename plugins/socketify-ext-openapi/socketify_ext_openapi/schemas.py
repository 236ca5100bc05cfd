"""JSON Schemas of models: what pydantic takes and msgspec Structs, in one set of components."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from socketify_ext.sdk.model import has_struct

Mode = Literal["validation", "serialization"]
Schema = dict[str, Any]
Key = tuple[int, Mode]

PREFIX: Final = "#/components/schemas/"
# Keys of a schema whose values are schemas by names that a model chooses, and keys whose values are data.
_NAMED: Final = frozenset(("properties", "patternProperties", "dependentSchemas", "$defs"))
_DATA: Final = frozenset(("default", "const", "enum", "examples", "example"))


class Schemas:
    """The schemas of all models of a document, each asked for before they are made together.

    So a name that two models have becomes two names.
    """

    def __init__(self) -> None:
        self._asked: dict[Key, Any] = {}
        self._made: dict[Key, Schema] = {}
        self._components: dict[str, Schema] = {}
        self._placed: list[Schema] = []

    def ask(self, model: Any, mode: Mode) -> Callable[[], Schema]:
        """Ask for the schema of a model.

        Returns:
            A function that returns it, after `make`.
        """
        key: Key = id(model), mode
        self._asked[key] = model
        return lambda: self._made[key]

    def make(self) -> None:
        """Make the schemas of all models that were asked for."""
        by_pydantic: list[tuple[Key, Mode, TypeAdapter[Any]]] = []
        structs: dict[Key, Any] = {}
        for key, model in self._asked.items():
            if has_struct(model):
                structs[key] = model
            else:
                by_pydantic.append((key, key[1], TypeAdapter(model)))
        if by_pydantic:
            made, rest = TypeAdapter.json_schemas(by_pydantic, ref_template=f"{PREFIX}{{model}}")
            self._made.update({key: schema for (key, _), schema in made.items()})
            self._components.update(rest.get("$defs", {}))
        if structs:
            self._make_structs(structs)

    def _make_structs(self, structs: Mapping[Key, Any]) -> None:
        import msgspec

        made, components = msgspec.json.schema_components(structs.values(), ref_template=f"{PREFIX}{{name}}")
        names: dict[str, str] = {}
        for name in components:
            names[name] = _free_name(name, {*self._components, *names.values()})
        self._components.update({names[name]: _renamed(schema, names) for name, schema in components.items()})
        self._made.update({key: _renamed(schema, names) for key, schema in zip(structs, made, strict=True)})

    def resolved(self, schema: Schema) -> Schema:
        """Return the component that a schema refers to, or the schema itself."""
        while set(schema) == {"$ref"}:
            schema = self._components[schema["$ref"].removeprefix(PREFIX)]
        return schema

    def place(self, schema: Schema) -> Schema:
        """Return a schema that stands in the document, whose components are needed."""
        self._placed.append(schema)
        return schema

    def components(self) -> dict[str, Schema]:
        """Return the components that the schemas in the document need, in the order of their names."""
        used: set[str] = set()
        waiting = [name for schema in self._placed for name in _references(schema)]
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting.extend(_references(self._components[name]))
        return {name: self._components[name] for name in sorted(used)}


def check_model(model: Any, mode: Mode) -> None:
    """Check that a model has a JSON Schema.

    Raises:
        Exception: it has none; pydantic, msgspec and the model's own code raise whatever they like.
    """
    schemas = Schemas()
    schemas.ask(model, mode)
    schemas.make()


def _references(schema: Any) -> Iterator[str]:
    """Yield the names of the components that a schema refers to."""
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(PREFIX)
        for key, value in schema.items():
            if key in _NAMED:
                yield from _references(list(value.values()))
            elif key not in _DATA:
                yield from _references(value)


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """Return a schema whose components have other names."""
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if isinstance(schema, str):
        name = schema.removeprefix(PREFIX)
        return PREFIX + names[name] if schema.startswith(PREFIX) and name in names else schema
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _renamed(each, names) for name, each in value.items()}
        if key in _NAMED
        else value
        if key in _DATA
        else _renamed(value, names)
        for key, value in schema.items()
    }


def _free_name(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)  # a component's name has no other characters
    number, free = 1, plain
    while free in taken:
        number += 1
        free = f"{plain}{number}"
    return free
