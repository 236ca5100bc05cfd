"""Data moves one way: each module imports only what lies to its left."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "socketify_ext"

# module -> the modules of the package that it may import when it is imported itself
ALLOWED = {
    "errors": set(),
    "suggest": set(),
    "place": set(),
    "forked": set(),
    "http_error": set(),
    "printable": set(),
    "model": {"http_error", "printable"},
    "spec": {"errors", "place"},
    "signature": {"errors", "spec"},
    "surface": {"errors", "spec"},
    "request_hooks": {"errors"},
    "declared_app": {"errors", "spec", "request_hooks"},
    "declaration": {"errors", "spec", "signature", "surface", "declared_app", "suggest"},
    "resolution": {"errors", "spec", "suggest"},
    "compilation": {"spec", "resolution"},
    "deadline": set(),
    "lifecycle": {"errors"},
    "discovery": set(),
    "hookspecs": set(),
    "environment": {"errors"},
    "registry": {"errors", "discovery", "environment", "suggest"},
    "binding": {"errors", "spec", "declaration", "resolution", "compilation", "lifecycle"},
    "app": {
        "errors",
        "forked",
        "spec",
        "declaration",
        "request_hooks",
        "resolution",
        "binding",
        "lifecycle",
        "registry",
        "runtime",
    },
    "testing": set(),
    "typed_app": set(),
    "__init__": {"forked"},
    "__main__": {"cli"},
}


def top_level_imports(path):
    """Give the modules that a file imports outside functions and `if TYPE_CHECKING`."""
    nodes = list(ast.parse(path.read_text()).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, (ast.If, ast.Try)):
            nodes.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ("." * node.level + name for name in names)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_only_what_lies_to_its_left(path):
    own = {name.lstrip(".").split(".")[0] for name in top_level_imports(path) if name.startswith(".")}
    assert own <= ALLOWED[path.stem]


def test_only_the_runtime_imports_the_core():
    importers = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for name in top_level_imports(path)
        if name.split(".")[0] in ("socketify", "cffi")
    }
    assert importers == {"runtime"}


def test_resolution_and_compilation_know_no_pluggy():
    for module in ("spec", "resolution", "compilation", "errors"):
        assert not any("pluggy" in name for name in top_level_imports(PACKAGE / f"{module}.py"))
