"""Targets that are found in the source of modules beside, and which of them somebody may have meant."""

from __future__ import annotations

from textwrap import dedent

import pytest

from socketify_ext.inspection.beside import close_targets, target_names, targets_beside

MAIN = """
    import socketify_ext
    from socketify_ext import App as Made

    app = socketify_ext.App()
    typed: socketify_ext.App = socketify_ext.App()
    cors = socketify_ext.load("cors").renamed(cors="allow")
    number, _hidden = 3, socketify_ext.App()

    def make(debug=False): ...
    def run(app): ...
    def bare(request, response, ws): ...
    def many(a, b): ...
    def test_it(): ...
    def _private(): ...
    async def later(): ...

    @socketify_ext.extension("own", options=None)
    def own(request, response, ws, *, options): ...

    raise RuntimeError("imported")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "main.py").write_text(dedent(MAIN))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("def make(): ...\n")
    (tmp_path / "shop" / "web.py").write_text("app = App()\n")
    (tmp_path / "namespace").mkdir()
    (tmp_path / "namespace" / "one.py").write_text("app = App()\n")
    (tmp_path / "no-module.py").write_text("app = App()\n")
    return tmp_path


def test_what_may_be_a_target_is_read_apps_and_extensions_first(folder):
    assert target_names(folder / "main.py") == ["app", "typed", "cors", "own", "make", "run", "bare"]


@pytest.mark.parametrize(
    "source", [b"def (:", b"\xff", b"\0", b"x" * 10, b"(" * 5000, b"app = App()\n#" + b"x" * 1_000_000]
)
def test_a_source_that_can_not_be_read_holds_none(tmp_path, source):
    (tmp_path / "odd.py").write_bytes(source)
    assert target_names(tmp_path / "odd.py") == []
    assert list(targets_beside(tmp_path)) == []


def test_all_modules_and_packages_of_a_folder_are_looked_at(folder):
    found = list(targets_beside(folder))
    assert found[0] == "main:app"
    assert found[-1] == "shop:make"
    assert list(targets_beside(folder / "none")) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("main", ["main:app", "main:typed", "main:cors"]),
        ("main.py", ["main:app", "main:typed", "main:cors"]),
        ("./main.py", ["main:app", "main:typed", "main:cors"]),
        ("main.own", ["main:own"]),
        ("main.mak", ["main:make"]),
        ("mian", ["main:app", "main:typed", "main:cors"]),
        ("mian:app", ["main:app"]),
        ("mian:what", ["main:what"]),
        ("shop", ["shop:make"]),
        ("shop/web.py", ["shop.web:app"]),
        ("shop.wbe:app", ["shop.web:app"]),
        ("namespace.one", ["namespace.one:app"]),
        ("nothing", []),
        ("", []),
        ("../main", []),
        (":app", []),
        ("no-module", []),
    ],
)
def test_the_targets_that_were_meant_are_suggested(folder, written, meant):
    assert close_targets(written, folder) == meant
