"""docs/reference.md: the public names of `socketify_ext`."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

from prose import code, prose, signature, table

import socketify_ext
from socketify_ext import errors, hookspecs
from socketify_ext.errors import ExtensionError

HEAD = """# Reference

The public names of `socketify_ext`, from their signatures and docstrings. Members that built-ins add are in
[Options and members](extensions-reference.md). `req`, `res` and `ws` have the methods of socketify's own classes; those below
are the ones that socketify_ext makes safe or adds."""

HOOKS = """Mark a function as one of these hooks around `app.register`. A plugin registers them through the entry-point group
`socketify_ext.hooks`, a program through `Registry.add_hooks`; see [Hooks](hooks.md)."""


def render() -> str:
    """Return the page."""
    parts = [HEAD, *(part for name in socketify_ext.__all__ for part in _name(name)), *_errors()]
    return "\n\n".join(parts) + "\n"


def _name(name: str) -> Iterator[str]:
    value = getattr(socketify_ext, name)
    yield f"## {name}"
    if value is socketify_ext.hookimpl:
        yield from _hooks()
    elif inspect.isclass(value):
        yield from _class(name, value)
    else:
        yield code(signature(name, value))
        yield prose(value)


def _class(name: str, cls: type) -> Iterator[str]:
    text = prose(cls)
    if "**Parameters**" in text:  # users make only classes with parameters
        yield code(f"class {signature(name, cls).removeprefix('def ').removesuffix(' -> None')}")
    yield text
    for member, value in _documented(cls):
        yield f"### {name}.{member}"
        if inspect.isfunction(value):
            yield code(signature(member, value, drop_self=True))
        yield prose(value)


def _documented(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the documented public members that a class has from this package, each once, its own first."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        for name, value in vars(owner).items():
            if name in seen or name.startswith("_") or not owner.__module__.startswith("socketify_ext"):
                continue
            seen.add(name)
            if isinstance(value, (types.FunctionType, property, functools.cached_property)) and inspect.getdoc(value):
                yield name, value


def _hooks() -> Iterator[str]:
    yield HOOKS
    for name, hook in vars(hookspecs).items():
        if hasattr(hook, f"{hookspecs.PROJECT}_spec"):
            yield f"### {name}"
            yield code(signature(name, hook))
            yield prose(hook)


def _errors() -> Iterator[str]:
    yield "## Errors"
    yield "The classes of `socketify_ext.errors`. Causes and fixes are in [Errors](errors.md)."
    classes = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, ExtensionError)]
    rows = [
        [value.code, f"`{value.__name__}`", " ".join((inspect.getdoc(value) or "").split())]
        for value in sorted(classes, key=lambda each: each.code)
        if value is not ExtensionError
    ]
    yield table(["code", "class", ""], rows)
