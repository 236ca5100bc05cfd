"""What the grade asks of an extension beside its calls: documents, described options, types that its users get."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .. import errors
from ..inspection.manifest import FILE, grades_in, package_manifest
from ..registry.compatibility import untested
from ..registry.discovery import OWN_DISTRIBUTION
from ..registry.modules import read_beside
from ..registry.registry import Registry
from ..sdk.declaration import Extension, models_in
from ..sdk.spec import TESTED_PARTS

_SECRET: Final = re.compile(r"(?:^|_)(?:secrets?|passwords?|tokens?|api_?keys?|private_keys?|dsn)$")


def facts_of(found: Any) -> dict[str, list[str]]:
    """Return what is missing, by the rule of the grade that asks for it; nothing for an app, which has no grade."""
    if not isinstance(found, Extension):
        return {}
    return {
        "documented": [] if found.summary else ["the extension function has no docstring"],
        "typed": list(_untyped(found)),
        "options": list(_undescribed(found.options_model)) if found.options_model else [],
        "manifest": list(_manifest_problems(found)),
        "compatibility": list(_untested(found)),
    }


def _manifest_problems(extension: Extension) -> Iterator[str]:
    """Compare the manifest of a plugin with what its package declares; a built-in is described by this package."""
    if extension.distribution == OWN_DISTRIBUTION:
        return
    if extension.distribution is None:
        yield "it belongs to no distribution, which would carry a manifest"
        return
    registry, name = Registry(), f"{extension.distribution}:{extension.name}"
    try:
        _, manifest = package_manifest(name, registry)
        data = read_beside(registry.provider(name).module, FILE)
    except errors.ExtensionError as error:
        yield str(error)
        return
    if data is None:
        yield f"its package has no {FILE}: write it with `socketify-ext manifest {extension.name}`"
    elif data.decode(errors="replace") != replace(manifest, grades=grades_in(data)).text():
        yield f"its {FILE} is out of date: write it with `socketify-ext manifest {extension.name}`"


def _untested(extension: Extension) -> Iterator[str]:
    """Compare the versions that it states with those that run; a built-in has those of this package."""
    if extension.distribution == OWN_DISTRIBUTION:
        return
    stated = {each.name for each in extension.tested_versions}
    for part in TESTED_PARTS:
        if part not in stated:
            yield f"tested_with names no versions of {part}"
    for name, running, specifier in untested(extension.tested_versions):
        yield f"it was tested with {name}{specifier}, and {running} runs"


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
