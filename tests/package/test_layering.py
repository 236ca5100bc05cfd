"""Data moves one way: each room imports only from rooms to its left, inside functions and for annotations too."""

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "socketify_ext"
FILES = sorted(PACKAGE.rglob("*.py"))

# The rooms in order; those of one line don't know each other.
ORDER = [
    {"errors"},
    {"sdk"},
    {"hookspecs", "stores"},
    {"registry", "builtin", "lifecycle"},
    {"registration"},
    {"runtime"},
    {"app"},
    {"typing", "testing"},
    {"inspection"},
    {"conformance", "run"},
    {"cli"},
    {"__init__", "__main__"},
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
# An extension is callable on a stock app, which only the runtime knows.
EXCEPTIONS = {("sdk/declaration.py", "runtime.stock")}


@functools.cache
def parsed(path):
    return ast.parse(path.read_text())


@functools.cache
def imports(path):
    """Return every module that a file imports, wherever the import stands."""
    home = ["socketify_ext", *path.relative_to(PACKAGE).parts[:-1]]
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{module}.{alias.name}"
                found.append(name if is_module(name) else module)
    return found


@functools.cache
def is_module(name):
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def own_imports(path):
    """Yield the imports from the package, without its name."""
    for name in imports(path):
        package, _, module = name.partition(".")
        if package == "socketify_ext":
            yield module or "__init__"


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rooms_to_its_left(path):
    here = str(path.relative_to(PACKAGE))
    wrong = {
        module
        for module in own_imports(path)
        if module.split(".")[0] != room(path)
        and RANK[module.split(".")[0]] >= RANK[room(path)]
        and (here, module) not in EXCEPTIONS
        and module != "__init__"
    }
    assert not wrong


def test_no_files_outside_the_runtime_import_each_other_in_a_ring():
    graph = {}
    for path in FILES:
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if room(path) not in ("runtime", "__init__"):
            graph[name] = {module for module in own_imports(path) if module not in (name, "__init__")}
    while leaves := {name for name in graph if not graph[name] & graph.keys()}:
        for name in leaves:
            del graph[name]
    while unused := graph.keys() - set().union(*graph.values(), ()):
        for name in unused:
            del graph[name]
    assert not graph


def test_every_room_has_a_place_in_the_order():
    assert {room(path) for path in FILES} == set(RANK)


def test_only_the_runtime_imports_the_core():
    importers = {
        room(path)
        for path in FILES
        for node in parsed(path).body
        for name in names_of(node)
        if name.split(".")[0] in ("socketify", "cffi")
    }
    assert importers == {"runtime"}


def names_of(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("sdk/*.py")), ids=lambda path: path.stem)
def test_the_sdk_knows_neither_the_core_nor_pluggy(path):
    assert not {"socketify", "pluggy", "cffi"} & {name.split(".")[0] for name in imports(path)}
