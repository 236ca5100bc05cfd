"""The options of an extension, tried: defaults that are given, and each value of a type that has few."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from .. import errors
from ..inspection.process import one_line
from ..sdk.declaration import Extension
from .report import Finding

_MOST: Final = 8  # values of one option


def tried_options(found: Any) -> Iterator[dict[str, Any]]:
    """Register an extension on apps of its own with other values of each option, and yield a report on each."""
    if not isinstance(found, Extension) or found.options_model is None:
        return
    for name, info in found.options_model.model_fields.items():
        given = info.validation_alias if isinstance(info.validation_alias, str) else name
        values = list(_values(info.annotation))[:_MOST]
        tried = [value for value in values if _registers(found, {given: value}) is None]
        findings = [
            Finding("options", f"{name}={value!r} fails: {problem}", place=found.provenance.location)
            for value in values
            if (problem := _registers(found, {given: value}))
        ]
        default = (
            "" if info.is_required() else _wrong_default(found, given, info.get_default(call_default_factory=True))
        )
        if default:
            findings.insert(0, Finding("options", f"the default of {name} is not one: {default}"))
        yield {
            "name": f"option {name}",
            "kind": "option",
            "place": found.provenance.location,
            "call": ", ".join(map(repr, tried)) or "as given",
            "runs": 1 + len(values),
            "findings": [asdict(each) for each in findings[:1]],
        }


def _values(annotation: Any) -> Iterator[Any]:
    """Yield the values of a type that has few."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is bool:
        yield from (False, True)
    elif origin is typing.Literal:
        yield from arguments
    elif origin is typing.Annotated:
        yield from _values(arguments[0])
    elif origin in (typing.Union, types.UnionType):
        for each in arguments:
            yield from _values(each)
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        yield from annotation


def _registers(found: Extension, options: Mapping[str, Any]) -> str | None:
    """Register with other options; return what fails, None where nothing does, or "" where the options refuse them."""
    import socketify_ext

    try:
        socketify_ext.App().register(found.configured(**options))
    except errors.ExtensionError:  # together with the others they may be wrong, or need an extra
        return ""
    except Exception as error:  # an extension function may raise anything
        return one_line(error)
    return None


def _wrong_default(found: Extension, name: str, default: Any) -> str:
    """Return what is wrong with a default that is given."""
    try:
        found.configured(**{name: default})
    except errors.OptionsError as error:
        return error.why if error.why.startswith(f"{name}: Input should") else ""
    except Exception as error:  # a validator may raise anything
        return one_line(error)
    return ""
