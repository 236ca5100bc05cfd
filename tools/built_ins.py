"""docs/extensions-reference.md: the built-in extensions, from their specs and option models."""

from __future__ import annotations

import collections.abc
import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from prose import code, prose, short, signature, table
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import socketify_ext
from socketify_ext.errors import OptionsError
from socketify_ext.registry.environment import variable_prefix
from socketify_ext.sdk.spec import MemberSpec

HEAD = """# Options and members

What the built-in extensions take and add, from their declarations. Below each option stands the variable that sets it
(see [Settings](settings.md))."""

# Options with which an extension has all of its members.
COMPLETE: Final[dict[str, dict[str, Any]]] = {
    "auth": {"tokens": {"secret": {"name": "Ann"}}},
    "cart": {"store": "memory://", "secret": "sixteen characters"},
}
VARIABLES: Final = {"request": "req", "response": "res", "ws": "ws"}


def render() -> str:
    """Write the page."""
    return "\n\n".join([HEAD, *(part for name in names() for part in _extension(name))]) + "\n"


def names() -> list[str]:
    """Give the names of all built-ins."""
    return [each.name for each in socketify_ext.Registry().list() if each.source == "builtin"]


def _extension(name: str) -> Iterator[str]:
    found = socketify_ext.Registry(environment={}).find(name)
    yield f"## {name}"
    yield prose(found.function)
    if found.options_model is not None:
        yield table(["option", "type", "default", ""], _options(found.options_model, "", variable_prefix(name)))
    complete = COMPLETE.get(name, {})
    always = _members(name, {}) if complete.keys() <= _optional(found) else _members(name, complete)
    for path, member in _members(name, complete).items():
        yield from _member(member, [] if path in always else list(complete))


def _optional(extension: socketify_ext.Extension) -> set[str]:
    """Give the options that may be left out all together: all or none."""
    try:
        extension.validated_options()
    except OptionsError:
        return set()
    return set(extension.options_model.model_fields) if extension.options_model else set()


def _members(name: str, options: Mapping[str, Any]) -> dict[str, MemberSpec]:
    app = socketify_ext.App()
    app.register(socketify_ext.Registry(environment={}).load(name, **options))
    return {
        path: each for path, each in socketify_ext.inspect(app).members.items() if each.provenance.extension == name
    }


def _member(member: MemberSpec, needs: list[str]) -> Iterator[str]:
    name = f"{VARIABLES[member.target]}.{member.name}"
    yield f"### {name}"
    if needs:
        yield f"Only with {' and '.join(f'`{option}`' for option in needs)}."
    if member.kind == "property":
        yield code(f"{name}{short(member.signature)}")
    else:
        yield code(signature(member.name, member.function, drop_self=True))
        yield prose(member.function)


def _options(model: type[BaseModel], path: str, prefix: str) -> Iterator[list[str]]:
    for name, field in model.model_fields.items():
        nested = _nested(field)
        kind = _type(field.annotation)
        settable = "callable" not in kind
        variable = f"<br>`{prefix}{name.upper()}`" if settable else ""
        yield [f"`{path}{name}`{variable}", f"`{kind}`", _default(field), field.description or ""]
        if nested is not None:
            yield from _options(nested, f"{path}{name}.", f"{prefix}{name.upper()}__")


def _type(annotation: Any) -> str:
    """Say a type in words that are the same on every version of Python, without validators and None."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each) for each in arguments if each is not types.NoneType)
    if origin is Literal:
        return " or ".join(repr(each) for each in arguments)
    if origin is collections.abc.Callable:
        return "callable"
    if annotation is Ellipsis:
        return "..."
    name = (origin or annotation).__name__
    return f"{name}[{', '.join(map(_type, arguments))}]" if arguments else str(name)


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    for each in (field.annotation, *get_args(field.annotation)):
        if inspect.isclass(each) and issubclass(each, BaseModel):
            return each
    return None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    return "" if value is None or value is PydanticUndefined else f"`{value!r}`"
