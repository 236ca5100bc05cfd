"""Modules of the current folder and what in them may be a target, read from their source: an import would run it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from socketify_ext.sdk.suggest import close_names

_MAKERS: Final = frozenset(("App", "install", "load", "configured", "renamed", "only", "overriding"))
_PARAMETERS: Final = (0, 1, 3)  # of a factory, of run(app), of an extension
_MOST: Final = 1_000_000  # bytes of a source that is read


def modules_beside(folder: Path) -> dict[str, Path]:
    """Return the source files of the modules and packages of a folder, by their names."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        source = path / "__init__.py" if path.is_dir() else path
        name = path.name if path.is_dir() else path.stem
        if name.isidentifier() and source.suffix == ".py" and source.is_file():
            found[name] = source
    return found


def module_path(name: str, folder: Path) -> Path | None:
    """Return the source file of a module beside, `main` or `shop.main`; None where there is none."""
    *packages, last = name.split(".")
    return modules_beside(folder.joinpath(*packages)).get(last)


def target_names(source: Path) -> list[str]:
    """Return the names in a module that may be a target, apps and extensions first."""
    try:
        if source.stat().st_size > _MOST:
            return []
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    made = [name for node in tree.body for name in _made(node)]
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _may_make(node)]
    return list(dict.fromkeys([*made, *functions]))


def targets_beside(folder: Path) -> Iterator[str]:
    """Yield all targets in the modules of a folder, as in `main:app`."""
    for name, source in modules_beside(folder).items():
        yield from (f"{name}:{each}" for each in target_names(source))


def close_targets(target: str, folder: Path) -> list[str]:
    """Return the targets that somebody may have meant who has left out the colon, or misspelt the module."""
    written, _, attribute = target.partition(":")
    parts = [part for part in written.removesuffix(".py").split("/") if part not in (".", "")]
    written = ".".join(parts)
    if not parts or ".." in parts:
        return []
    name, source = written, module_path(written, folder)
    if source is None and "." in written and not attribute:  # main.app
        name, _, attribute = written.rpartition(".")
        source = module_path(name, folder)
    if source is None:
        package, _, last = written.rpartition(".")
        close = close_names(last, modules_beside(folder.joinpath(*filter(None, package.split(".")))))
        if not close:
            return []
        name = f"{package}.{close[0]}" if package else close[0]
        source = module_path(name, folder)
    names = [] if source is None else target_names(source)
    wanted = [attribute] if attribute in names else close_names(attribute, names) if attribute else names
    if attribute and not wanted:
        wanted = [attribute]
    return [f"{name}:{each}" for each in wanted[:3]]


def _made(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds to an app or an extension."""
    if isinstance(node, ast.FunctionDef) and any(_is_extension(each) for each in node.decorator_list):
        yield node.name
    values = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    if isinstance(values, ast.Call) and _called(values) in _MAKERS:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
        yield from (each.id for each in targets if isinstance(each, ast.Name) and not each.id.startswith("_"))


def _is_extension(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and _called(decorator) == "extension"


def _called(call: ast.Call) -> str:
    """Return the last name of what is called: `App` of `socketify_ext.App()`."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _may_make(node: ast.FunctionDef) -> bool:
    """Whether a function may be a factory, a `run` or an extension."""
    if node.name.startswith(("_", "test_")):
        return False
    given = [*node.args.posonlyargs, *node.args.args]
    return len(given) - len(node.args.defaults) in _PARAMETERS
