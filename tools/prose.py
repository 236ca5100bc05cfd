"""Docstrings and signatures as Markdown, the same on every version of Python."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from griffe import Docstring, DocstringSection, DocstringSectionKind, Parser

WIDTH = 100
_TITLES = {
    DocstringSectionKind.parameters: "Parameters",
    DocstringSectionKind.attributes: "Attributes",
    DocstringSectionKind.returns: "Returns",
    DocstringSectionKind.raises: "Raises",
}


class _Verbatim(str):
    """An annotation that is shown as it was written, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def prose(documented: Any) -> str:
    """Return the docstring of an object as Markdown."""
    return markdown(inspect.getdoc(documented) or "")


def markdown(text: str) -> str:
    """Return a docstring as Markdown; its Google-style sections become lists."""
    parsed = Docstring(text).parse(
        Parser.google, warnings=False, returns_multiple_items=False, returns_named_value=False
    )
    return "\n\n".join(_section(section) for section in parsed)


def _section(section: DocstringSection) -> str:
    if section.kind is DocstringSectionKind.text:
        return str(section.value)
    if section.kind not in _TITLES:
        raise ValueError(f"no page shows a docstring's section {section.kind.value}")
    return "\n".join([f"**{_TITLES[section.kind]}**", "", *(f"- {_item(item)}" for item in section.value)])


def _item(item: Any) -> str:
    name = getattr(item, "name", "") or getattr(item, "annotation", "") or ""
    description = " ".join(item.description.split())
    return f"`{name}`: {description}" if name else description


def signature(name: str, function: Callable[..., Any], *, drop_self: bool = False) -> str:
    """Return a call as Python, with annotations as in the source; long ones in several lines."""
    found = inspect.signature(function)
    parameters = [
        each.replace(annotation=_verbatim(each.annotation))
        for index, each in enumerate(found.parameters.values())
        if index or not drop_self
    ]
    given = found.replace(parameters=parameters, return_annotation=_verbatim(found.return_annotation))
    prefix = "async def " if inspect.iscoroutinefunction(function) else "def "
    returns = "" if given.return_annotation is inspect.Signature.empty else f" -> {given.return_annotation}"
    return call(f"{prefix}{name}", _parameters(given), returns)


def call(head: str, parameters: list[str], returns: str) -> str:
    """Return a call in one line, or with one parameter a line where that is too long."""
    line = f"{head}({', '.join(parameters)}){returns}"
    inner = "".join(f"    {parameter},\n" for parameter in parameters)
    return line if len(line) <= WIDTH else f"{head}(\n{inner}){returns}"


def _parameters(given: inspect.Signature) -> list[str]:
    """Return each parameter, with the marks of those that are positional or keywords only."""
    kinds = [each.kind for each in given.parameters.values()]
    lines = [str(each) for each in given.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        lines.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    if inspect.Parameter.POSITIONAL_ONLY in kinds:
        lines.insert(kinds.count(inspect.Parameter.POSITIONAL_ONLY), "/")
    return lines


def _verbatim(annotation: Any) -> Any:
    return _Verbatim(annotation) if isinstance(annotation, str) else annotation


def short(annotation: str) -> str:
    """Return an annotation without modules: `collections.abc.Mapping` becomes `Mapping`."""
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", annotation)


def code(text: str) -> str:
    """Return a block of Python."""
    return f"```python\n{text}\n```"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the separator of cells is escaped."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
