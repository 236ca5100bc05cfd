"""docs/extensions-reference.md: the built-in extensions, from the description that the command line reads, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from prose import call, code, markdown, short, table

import socketify_ext
from socketify_ext.errors import OptionsError
from socketify_ext.inspection.app_description import describe_app
from socketify_ext.inspection.description import Option, describe
from socketify_ext.inspection.member import Member, render_parameter, render_parameters
from socketify_ext.registry.environment import variable_prefix

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
    """Return the page."""
    return "\n\n".join([HEAD, *(part for name in names() for part in _extension(name))]) + "\n"


def names() -> list[str]:
    """Return the names of all built-ins."""
    return [each.name for each in socketify_ext.Registry().list() if each.source == "builtin"]


def _extension(name: str) -> Iterator[str]:
    found = socketify_ext.Registry(environment={}).find(name)
    described, _ = describe(found, ())
    yield f"## {name}"
    yield markdown(described.doc)
    if described.options:
        yield table(["option", "type", "default", ""], _options(described.options, "", variable_prefix(name)))
    complete = COMPLETE.get(name, {})
    always = {member.path for member in _members(name, {} if _is_optional(found) else complete)}
    for member in _members(name, complete):
        yield from _member(member, [] if member.path in always else list(complete))


def _is_optional(extension: socketify_ext.Extension) -> bool:
    """Whether all options may be left out."""
    try:
        extension.validated_options()
    except OptionsError:
        return False
    return True


def _members(name: str, options: Mapping[str, Any]) -> list[Member]:
    app = socketify_ext.App()
    app.register(socketify_ext.Registry(environment={}).load(name, **options))
    described = describe_app(name, socketify_ext.inspect(app), installed=True)
    return [each for each in described.members if each.extension == name]


def _member(member: Member, needs: list[str]) -> Iterator[str]:
    name = f"{VARIABLES[member.target]}.{member.name}"
    yield f"### {name}"
    if needs:
        yield f"Only with {' and '.join(f'`{option}`' for option in needs)}."
    if member.kind != "method":
        yield code(f"{name}{short(member.signature)}")
        yield from [markdown(member.doc)] * bool(member.doc)
        return
    parameters = [short(each) for each in render_parameters(member.parameters or [], render_parameter)]
    returns = f" -> {short(member.type.short)}" if member.type else ""
    yield code(call(f"{'async ' if member.is_async else ''}def {member.name}", parameters, returns))
    yield markdown(member.doc)


def _options(options: Iterable[Option], path: str, prefix: str) -> Iterator[list[str]]:
    for option in options:
        variable = f"{prefix}{option.name.upper()}"
        setting = "" if "Callable" in option.type else f"<br>`{variable}`"
        default = "must be given" if option.default is None else f"`{option.default}`" * (option.default != "None")
        yield [f"`{path}{option.name}`{setting}", f"`{short(option.type)}`", default, option.description]
        yield from _options(option.options, f"{path}{option.name}.", f"{variable}__")
