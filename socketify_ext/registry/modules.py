"""Find modules and the files beside them as an import would, without importing anything."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from typing import Final

_OWN_PATH: Final = "__path__"  # a package that mentions it may look for its modules elsewhere


class OnlyImportTellsError(LookupError):
    """A finder fails without its package's import, or a package decides where its modules are."""


def find_module(name: str) -> ModuleSpec | None:
    """Find a module by its full name, whichever finders are installed.

    Returns:
        Its spec, or None where it is certainly not there.

    Raises:
        OnlyImportTellsError: nobody can tell without importing its parents.
    """
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    spec: ModuleSpec | None = None
    path: Sequence[str] | None = None
    for full in itertools.accumulate(name.split("."), "{}.{}".format):
        parent = spec
        try:
            spec = _spec(full, path)
        except OnlyImportTellsError:
            path = _folders(path or (), full.rpartition(".")[2])
            if full == name or not path:
                raise
            continue
        if spec is None:
            if parent is not None and _has_own_path(parent):
                raise OnlyImportTellsError(full)
            return None
        if full == name:
            break
        if spec.submodule_search_locations is None:  # a module may put others into sys.modules, as `os` does
            return _spec(name, None) if name in sys.modules else None
        path = list(spec.submodule_search_locations)
    return spec


def is_missing(name: str) -> bool:
    """Whether a module is certainly not there."""
    try:
        return find_module(name) is None
    except OnlyImportTellsError:
        return False


def file_beside(module: str, name: str) -> PurePath | None:
    """Return the path of a file in the package that a module is or belongs to; the file need not be there.

    Returns:
        None for a module that belongs to no package with an `__init__`, or is not found.
    """
    try:
        spec = find_module(module)
        if spec is not None and spec.submodule_search_locations is None:
            spec = find_module(spec.parent) if spec.parent else None
    except OnlyImportTellsError:
        return None
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return PurePath(spec.origin).with_name(name)


def read_beside(module: str, name: str) -> bytes | None:
    """Read a file in the package that a module is or belongs to, also from an archive; None where there is none."""
    path = file_beside(module, name)
    if path is None:
        return None
    spec = find_module(module)
    read = getattr(spec.loader if spec else None, "get_data", None)
    if read is None:
        return None
    try:
        data: bytes = read(str(path))
    except OSError:
        return None
    return data


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__spec__ is not None:
        return loaded.__spec__
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is None:
            continue
        try:
            spec: ModuleSpec | None = find(name, path)
        except Exception as error:  # a finder of another distribution, which an import would have given its parents
            raise OnlyImportTellsError(name) from error
        if spec is not None:
            return spec
    return None


def _folders(parents: Sequence[str], name: str) -> Sequence[str]:
    """Return the folders of a namespace package in another one, whose spec asks for the import of its parent."""
    return [str(folder) for folder in (Path(parent, name) for parent in parents) if folder.is_dir()]


def _has_own_path(package: ModuleSpec) -> bool:
    get_source = getattr(package.loader, "get_source", None)
    try:
        return get_source is not None and _OWN_PATH in (get_source(package.name) or "")
    except (ImportError, OSError, SyntaxError, UnicodeDecodeError):
        return True
