"""Stand-ins for the module that `socketify-ext stubs` writes, where an app imports it before it is written.

In a fresh clone the module is not there, and it can't be written without a look at the app that imports it. When a program
runs, the module only passes on classes of this package or of the core, so these stand in for it.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import resolve_name, spec_from_loader
from pathlib import Path
from typing import Any, Final

# The names in a module that `stubs` writes; `Behavior` is a dict when the program runs.
CLASSES: Final = ("App", "Request", "Response", "WebSocket")
_NAMES: Final = frozenset((*CLASSES, "Behavior", "install"))
_FAILS: Final = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


@contextlib.contextmanager
def stubs_stand_in(stub: Mapping[str, Any] | None) -> Iterator[list[str]]:
    """Let modules that `stubs` would write be imported before they are there.

    Args:
        stub: the module that is about to be written: its `path` or its `inode`, and its `home`, the package whose classes it
            passes on; None where none is.

    Returns:
        What was missing beside that one: a text for each module.
    """
    missing = _MissingStubs()
    before: list[Any] = [_WrittenStub(stub["path"], stub["inode"], stub["home"])] if stub else []
    after: list[Any] = [missing]
    sys.meta_path[:] = [*before, *sys.meta_path, *after]
    try:
        yield missing.told
    finally:
        for finder in (*before, *after):
            sys.meta_path.remove(finder)


class _Classes:
    """Load a module that holds the classes of a package."""

    def __init__(self, home: str) -> None:
        self._home = home

    def create_module(self, _spec: ModuleSpec) -> None:
        """Let Python make the module."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill the module as a written one would be."""
        home = importlib.import_module(self._home)
        names = [*CLASSES, *(["install"] if hasattr(home, "install") else [])]
        vars(module).update({name: getattr(home, name) for name in names}, Behavior=dict, __all__=[*names, "Behavior"])


class _WrittenStub:
    """Find the module that is about to be written, whatever its file holds now."""

    def __init__(self, path: str | None, inode: Sequence[int] | None, home: str) -> None:
        self._path = None if path is None else Path(path).resolve()
        self._inode = None if inode is None else tuple(inode)
        self._home = home

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        file = f"{name.rpartition('.')[2]}.py"
        if any(self._is_it(Path(folder, file)) for folder in (sys.path if path is None else path)):
            return spec_from_loader(name, _Classes(self._home))  # type: ignore[arg-type]  # it has what is asked for
        return None

    def _is_it(self, path: Path) -> bool:
        if self._path is not None:
            return path.name == self._path.name and path.resolve() == self._path
        with contextlib.suppress(OSError):
            found = path.stat()
            return (found.st_dev, found.st_ino) == self._inode
        return False


class _MissingStubs:
    """Find a module that is nowhere, if the target imports of it only what `stubs` writes."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        frame: types.FrameType | None = sys._getframe(1)  # noqa: SLF001 - finds the statement that imports
        while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        if frame is None or not _imports_stubs(frame, name):
            return None
        place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        self.told.append(
            f"{place} imports {name}, which is not there; it is taken for a module that `socketify-ext stubs` writes"
        )
        return spec_from_loader(name, _Classes("socketify_ext"))  # type: ignore[arg-type]  # it has what is asked for


def _imports_stubs(frame: types.FrameType, name: str) -> bool:
    """Whether the statement that a frame runs imports a module for what `stubs` writes alone."""
    file = Path(frame.f_code.co_filename)
    if any(file.is_relative_to(sysconfig.get_path(kind)) for kind in ("purelib", "platlib", "stdlib")):
        return False  # an installed package asks for something else, such as an optional dependency
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    return any(
        name in _modules(node, frame.f_globals.get("__package__") or "") and _uses(tree, node, name) <= _NAMES
        for node in _unguarded(tree)
        if node.lineno <= frame.f_lineno <= (node.end_lineno or node.lineno)
    )


def _unguarded(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module; those that may fail, since something catches that, are left to fail."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif not (isinstance(node, ast.Try) and any(map(_catches, node.handlers))):
            yield from _unguarded(node)


def _catches(handler: ast.ExceptHandler) -> bool:
    caught = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return any(each is None or getattr(each, "id", "") in _FAILS for each in caught)


def _modules(node: ast.Import | ast.ImportFrom, package: str) -> set[str]:
    """Return the modules that an import may ask for."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    home = _home(node, package)
    return {home, *(f"{home}.{alias.name}" for alias in node.names)}


def _home(node: ast.ImportFrom, package: str) -> str:
    with contextlib.suppress(ImportError):  # beyond the top
        return resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
    return ""


def _uses(tree: ast.AST, node: ast.Import | ast.ImportFrom, name: str) -> set[str]:
    """Return the names that a module is imported for, or "" among them where that can't be said."""
    alias = next((each for each in node.names if each.name in (name, name.rpartition(".")[2])), None)
    if alias is None:  # from app_types import App
        return {each.name for each in node.names}
    local = alias.asname or alias.name
    attributes = [
        each for each in ast.walk(tree) if isinstance(each, ast.Attribute) and ast.unparse(each.value) == local
    ]
    return {each.attr for each in attributes} or {""}
