"""The scope of an annotation: the names that it may use, with those of `if TYPE_CHECKING`."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import resolve_name
from typing import Any


class UnresolvedName:
    """A name that only a type checker sees."""

    def __init__(self, module: str, name: str, arguments: tuple[Any, ...] = ()) -> None:
        self.module = module
        self.name = name
        self.arguments = arguments

    def __getitem__(self, arguments: Any) -> UnresolvedName:
        return UnresolvedName(self.module, self.name, arguments if isinstance(arguments, tuple) else (arguments,))

    def __getattr__(self, name: str) -> UnresolvedName:
        if name.startswith("__"):
            raise AttributeError(name)
        return UnresolvedName(self.module, f"{self.name}.{name}")

    def __or__(self, other: Any) -> Any:
        from typing import Union

        return Union[self, other]  # noqa: UP007 - the operator is what is defined here

    def __ror__(self, other: Any) -> Any:
        from typing import Union

        return Union[other, self]  # noqa: UP007 - the same

    def __call__(self) -> None:
        """Be callable: `typing` takes only callables as types."""


class Scope:
    """The names that annotations of a function may use."""

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        found = inspect.unwrap(function) if function is not None else None
        self._globals: dict[str, Any] = getattr(found, "__globals__", {})
        self._names = _Names(found, self._globals)

    def evaluate(self, text: str) -> Any:
        """Evaluate an annotation.

        Raises:
            Exception: whatever the expression raises.
        """
        return eval(text, self._globals, self._names)  # noqa: S307 - as the annotation itself would be


class _Names(dict[str, Any]):
    """Local names: a function's closure, its type parameters, then the imports of its module for checkers only."""

    def __init__(self, function: Any, module: Mapping[str, Any]) -> None:
        super().__init__()
        self._module = module
        if function is None:
            return
        self.update({parameter.__name__: parameter for parameter in getattr(function, "__type_params__", ())})
        code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
        for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
            try:
                self[name] = cell.cell_contents
            except ValueError:  # not filled yet
                continue

    def __missing__(self, name: str) -> Any:
        if name in self._module:
            return self._module[name]
        found = _checker_names(self._module.get("__name__", "")).get(name)
        if found is None:
            raise KeyError(name)
        return found()


@functools.cache
def _checker_names(module: str) -> dict[str, Callable[[], Any]]:
    """Return the names that a module defines under `if TYPE_CHECKING`, each with a function that makes its value."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    names: dict[str, Callable[[], Any]] = {}
    for node in _checker_nodes(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                home = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or home] = functools.partial(importlib.import_module, home)
        elif isinstance(node, ast.ImportFrom):
            home = _absolute(module, node)
            for alias in node.names:
                names[alias.asname or alias.name] = functools.partial(_imported, home, alias.name)
        elif isinstance(node, ast.ClassDef):
            names[node.name] = functools.partial(UnresolvedName, module, node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = functools.partial(UnresolvedName, module, node.targets[0].id)
    return names


def _checker_nodes(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            yield from node.body


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = sys.modules[module].__package__ or ""
    return resolve_name("." * node.level + (node.module or ""), package)


def _imported(home: str, name: str) -> Any:
    """Import a name; return an `UnresolvedName` where that fails, as for a module that is only a stub file."""
    try:
        module = importlib.import_module(home)
        return getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{home}.{name}")
    except Exception:  # an import may raise anything
        return UnresolvedName(home, name)
