"""What the grade asks of an extension beside its calls: documents, described options, types that its users get."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ..sdk.declaration import Extension, models_in

_SECRET: Final = re.compile(r"(?:^|_)(?:secrets?|passwords?|tokens?|api_?keys?|private_keys?|dsn)$")


def facts_of(found: Any) -> dict[str, list[str]]:
    """Return what is missing, by the rule of the grade that asks for it; nothing for an app, which has no grade."""
    if not isinstance(found, Extension):
        return {}
    return {
        "documented": [] if found.summary else ["the extension function has no docstring"],
        "typed": list(_untyped(found)),
        "options": list(_undescribed(found.options_model)) if found.options_model else [],
    }


def _untyped(extension: Extension) -> Iterator[str]:
    if extension.distribution is None:
        return
    package = (inspect.unwrap(extension.function).__module__ or "").partition(".")[0]
    spec = find_spec(package) if package else None
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not any(Path(folder, "py.typed").is_file() for folder in folders):
        yield f"the package {package} has no file py.typed, without which type checkers ignore its annotations"


def _undescribed(model: type[BaseModel], parents: tuple[type[BaseModel], ...] = (), prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        where = f"{prefix}{name}"
        if not info.description:
            yield f"option {where} has no description"
        if _SECRET.search(name) and info.repr and _can_hold_text(info):
            yield f"option {where} shows its value in errors and in repr(): give it Field(repr=False)"
        for inner in models_in(info.annotation):
            if inner not in (*parents, model):
                yield from _undescribed(inner, (*parents, model), f"{where}.")


def _can_hold_text(info: FieldInfo) -> bool:
    return "str" in str(info.annotation) or "bytes" in str(info.annotation)
