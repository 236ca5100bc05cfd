"""Names of a model that take several values: those whose type is a list, a set or a tuple."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_COLLECTIONS: Final = frozenset(("list", "set", "frozenset", "tuple", "generator"))
_OBJECTS: Final = frozenset(("model-fields", "typed-dict", "dataclass-args", "dict"))


@dataclass
class RepeatedNames:
    """Which names take all of their values, which the last one, and what others take; and which must be there."""

    several: set[str] = field(default_factory=set)
    one: set[str] = field(default_factory=set)
    others: bool | None = None  # of a dict: whether its values are collections
    required: list[frozenset[str]] = field(
        default_factory=list
    )  # of each name that must be there, all that it may be called

    def collect(self, values: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return the values as a model takes them; of a name that it does not know, several as a list."""
        return {name: self._value(name, found) for name, found in values.items()}

    def _value(self, name: str, found: Sequence[Any]) -> Any:
        if name in self.several:
            return list(found)
        if name in self.one or self.others is False:
            return found[-1]
        return list(found) if self.others or len(found) > 1 else found[-1]


def names_of_schema(schema: Any) -> RepeatedNames:
    """Find the names in a schema of pydantic-core, by their aliases too."""
    names = RepeatedNames()
    _Walk().collect(schema, names)
    return names


class _Walk:
    def __init__(self) -> None:
        self._definitions: dict[str, Any] = {}
        self._seen: set[int] = set()

    def collect(self, schema: Any, names: RepeatedNames) -> None:
        if id(schema) in self._seen:
            return
        self._seen.add(id(schema))
        kind = schema["type"]
        if kind in ("model-fields", "typed-dict"):
            for name, each in schema["fields"].items():
                self._add(name, each, names)
        elif kind == "dataclass-args":
            for each in schema["fields"]:
                self._add(each["name"], each, names)
        elif kind == "dict":
            names.others = self._is_collection(schema.get("values_schema", {"type": "any"}), set())
        else:
            known = len(names.required)
            for inner in self._inside(schema):
                self.collect(inner, names)
            if "choices" in schema:  # what one of several models requires, another may not
                del names.required[known:]

    def _add(self, name: str, described: Any, names: RepeatedNames) -> None:
        known = {name, *_aliases(described.get("validation_alias"))}
        if self._is_collection(described["schema"], set()):
            names.several |= known
        else:
            names.one |= known
        if described.get("required", described["schema"]["type"] != "default"):
            names.required.append(frozenset(known))

    def _is_collection(self, schema: Any, seen: set[int]) -> bool:
        if id(schema) in seen or schema["type"] in _OBJECTS:
            return False
        seen.add(id(schema))
        return schema["type"] in _COLLECTIONS or any(self._is_collection(each, seen) for each in self._inside(schema))

    def _inside(self, schema: Any) -> Iterator[Any]:
        """Yield the schemas that stand for this one."""
        for each in schema.get("definitions", ()):
            self._definitions[each["ref"]] = each
        if schema["type"] == "definition-ref":
            yield self._definitions[schema["schema_ref"]]
            return
        for key in ("schema", "json_schema", "lax_schema"):
            if isinstance(schema.get(key), dict):
                yield schema[key]
        for key in ("choices", "steps"):
            choices = schema.get(key, ())
            for each in choices.values() if isinstance(choices, dict) else choices:
                choice = each[0] if isinstance(each, tuple) else each
                if isinstance(choice, dict):
                    yield choice


def _aliases(alias: Any) -> Iterator[str]:
    """Yield the first step of each alias: a name, a path, or a list of paths."""
    if isinstance(alias, str):
        yield alias
    elif alias and isinstance(alias[0], list):
        for path in alias:
            yield from _aliases(path)
    elif alias:
        yield str(alias[0])


def names_of_struct(model: Any) -> RepeatedNames:
    """Find the names in a msgspec Struct, or in a union of them."""
    from msgspec import inspect

    several = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType, inspect.TupleType)

    def options(kind: Any) -> Sequence[Any]:
        return kind.types if isinstance(kind, inspect.UnionType) else (kind,)

    names = RepeatedNames()
    structs = options(inspect.type_info(model))
    for struct in structs:
        for each in getattr(struct, "fields", ()):
            takes = names.several if any(isinstance(one, several) for one in options(each.type)) else names.one
            takes.add(each.encode_name)
            if each.required and len(structs) == 1:
                names.required.append(frozenset((each.encode_name,)))
    return names
