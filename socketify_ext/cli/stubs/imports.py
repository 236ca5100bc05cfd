"""The imports of a stub module: local names that no member of a class hides."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ...inspection.annotation import Annotation

_BUILTINS: Final = frozenset(dir(builtins))


class StubImports:
    """Collect the names in annotations.

    Args:
        taken: names that must stay free: the module's own, and those of all members, which hide others in a class.
        own: what the module itself has in place of classes, as "module:name".
    """

    def __init__(self, taken: Iterable[str], own: Mapping[str, str]) -> None:
        self._taken = {*taken}
        self._own = own
        self._names: dict[str, str] = {}  # "module:name" -> the local name
        self._variables: dict[tuple[str, str], str] = {}  # a type variable and what makes it -> the local name
        self._made: list[str] = []

    def render(self, annotation: Annotation | None) -> str:
        """Return an annotation with local names; Any for None."""
        if annotation is None:
            return self._local("typing:Any")
        locals_ = {name.replace(":", "."): self._local(name) for name in annotation.names}
        for name, expression in annotation.variables.items():
            locals_[name] = self._variable(name, expression, locals_)
        return self._rewrite(annotation.text, locals_)

    def _rewrite(self, text: str, locals_: dict[str, str]) -> str:
        tree = _Rewriter(locals_, self).visit(ast.parse(text, mode="eval"))
        return ast.unparse(tree)

    def _local(self, name: str) -> str:
        if name in self._own:
            return self._own[name]
        module, _, path = name.partition(":")
        head, _, rest = path.partition(".")
        local = self._names.setdefault(f"{module}:{head}", "") or self._free(module, head)
        self._names[f"{module}:{head}"] = local
        return f"{local}.{rest}" if rest else local

    def _free(self, module: str, name: str) -> str:
        local = name
        if local in self._taken or local in _BUILTINS:
            local = f"_{module.replace('.', '_')}_{name}"
        while local in self._taken:
            local += "_"
        self._taken.add(local)
        return local

    def _variable(self, name: str, expression: str, locals_: dict[str, str]) -> str:
        known = self._variables.get((name, expression))
        if known is not None:
            return known
        local, number = name, 1
        while local in self._taken:
            number += 1
            local = f"{name}{number}"
        self._taken.add(local)
        self._variables[name, expression] = local
        made = ast.parse(self._rewrite(expression, locals_), mode="eval").body
        if isinstance(made, ast.Call):
            made.args[0] = ast.Constant(local)
        self._made.append(f"{local} = {ast.unparse(made)}")
        return local

    def builtin(self, name: str) -> str:
        """Return the name of a builtin, by an import where a member hides it."""
        return self._local(f"builtins:{name}") if name in self._taken and name in _BUILTINS else name

    def lines(self) -> Iterator[str]:
        """Yield the import statements."""
        by_module: dict[str, list[str]] = {}
        for full, local in self._names.items():
            module, _, name = full.partition(":")
            by_module.setdefault(module, []).append(name if name == local else f"{name} as {local}")
        for module, names in sorted(by_module.items()):
            yield f"from {module} import {', '.join(sorted(names))}"

    def variables(self) -> Iterator[str]:
        """Yield the statements that make type variables."""
        yield from self._made

    @property
    def modules(self) -> list[str]:
        """Return the modules that are imported."""
        return sorted({name.partition(":")[0] for name in self._names})

    @property
    def has_private(self) -> bool:
        """Whether an imported name is private."""
        return any(part.startswith("_") for name in self._names for part in name.replace(":", ".").split("."))

    @property
    def has_untyped(self) -> bool:
        """Whether an imported module is installed without types (PEP 561)."""
        return any(map(_is_untyped, {module.partition(".")[0] for module in self.modules}))


class _Rewriter(ast.NodeTransformer):
    def __init__(self, locals_: dict[str, str], imports: StubImports) -> None:
        self._locals = locals_
        self._imports = imports

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        local = self._locals.get(ast.unparse(node))
        return ast.parse(local, mode="eval").body if local else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        local = self._locals.get(node.id) or self._imports.builtin(node.id)
        return ast.parse(local, mode="eval").body


def _is_untyped(package: str) -> bool:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    origin = Path(spec.origin) if spec is not None and spec.origin else None
    sites = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if origin is None or not any(origin.is_relative_to(site) for site in sites):
        return False
    folder = origin.parent
    return not (folder / "py.typed").exists() and not folder.with_name(f"{package}-stubs").exists()
