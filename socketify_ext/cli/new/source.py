"""Values as the source of a new project has them, laid out as `ruff format` lays them out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_LINE: Final = 110  # characters, of 120 with the indentation


def listed(head: str, texts: Sequence[str], tail: str) -> str:
    """Return a list of texts behind `head`, in one line where that is short enough."""
    line = f"{head}[{', '.join(map(literal, texts))}]{tail}"
    if len(line.rstrip()) <= _LINE:
        return line
    tab = "" if head.endswith(" ") else "    "  # in a call, or at the beginning of a line
    items = "".join(f"{tab}    {literal(text)},\n" for text in texts)
    return f"{head}[\n{items}{tab}]{tail}"


def call_lines(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of an item of a list that loads an extension with options."""
    yield "socketify_ext.load("
    yield f"    {literal(name)},"
    for key, value in options.items():
        yield f"    {key}={literal(value)},"
    yield "),"


def literal(value: Any) -> str:
    """Return the Python source of plain data in one line."""
    if isinstance(value, str):
        return repr(value) if '"' in value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def command_option(path: str, value: Any) -> str:
    """Return the argument of a command line that gives an option."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"--option {shlex.quote(f'{path}={text}')}"
