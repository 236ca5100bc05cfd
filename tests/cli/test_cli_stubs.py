"""`socketify-ext stubs`: what it writes, and what `--check` finds; `test_typing.py` has what checkers say of it."""

from __future__ import annotations

import inspect
import sys

import pytest
from cli_program import ROOT, Program

import socketify_ext
from socketify_ext.cli.described import described_app

TYPING = ROOT / "tests" / "typing"
LOCAL = """
    import socketify_ext

    @socketify_ext.extension("local")
    def local(request, response, ws):
        class Hidden: ...

        @request.method
        def hidden(self) -> Hidden: ...

        @request.method
        def missing(self, value: "Nowhere") -> "int | None": ...

        @request.method
        def undocumented(self, *, value=object()): ...

        ws.method(print, name="tell")
        request.method(lambda *parts: 1, name="joined")
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("project"))
    program.write("main", LOCAL)
    return program


def test_the_file_that_checkers_read_is_what_would_be_written_now():
    result = Program(TYPING)("stubs", "weather:make", "-o", "app_types.py", "--check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_check_shows_a_diff_and_exits_with_1_where_the_file_is_stale_or_missing(tmp_path):
    program = Program(tmp_path)
    assert program("stubs", "cart", "-o", "app_types.py").returncode == 0
    written = (tmp_path / "app_types.py").read_text()
    (tmp_path / "app_types.py").write_text(written.replace("    cart: Cart", "    cart:  list[int]"))
    result = program("stubs", "cart", "-o", "app_types.py", "--check")
    assert result.returncode == 1
    assert "-        cart:  list[int]\n+        cart: Cart" in result.stdout
    assert "EXT601" in result.stderr
    assert "socketify-ext stubs cart -o app_types.py" in result.stderr
    missing = program("stubs", "cart", "-o", "none.py", "--check")
    assert missing.returncode == 1
    assert "No such file" in missing.stderr


def test_a_type_that_nobody_can_import_becomes_any_with_a_warning(program):
    result = program("stubs", "main:local")
    assert result.returncode == 0
    assert "def hidden(self) -> Any: ..." in result.stdout
    assert "def missing(self, value: Any) -> int | None: ..." in result.stdout
    assert "def undocumented(self, *, value: Any = ...) -> Any: ..." in result.stdout
    assert "def joined(self, *parts: Any) -> Any: ..." in result.stdout
    assert "def tell(self, " in result.stdout
    assert result.stderr.count("warning: ") == 2
    assert "request.hidden has typing.Any" in result.stderr
    assert "'Nowhere' can't be resolved" in result.stderr


def test_what_is_written_runs_and_gives_the_real_classes(monkeypatch):
    monkeypatch.syspath_prepend(str(TYPING))
    import app_types

    try:
        assert app_types.App is socketify_ext.App
        assert app_types.install is socketify_ext.install
        assert app_types.Request is socketify_ext.Request
        assert app_types.Behavior(open=print) == {"open": print}
    finally:
        del sys.modules["app_types"]


def test_install_is_written_with_the_parameters_that_it_has():
    text = (TYPING / "app_types.py").read_text().partition("def install(")[2].partition(") -> App")[0]
    for name in inspect.signature(socketify_ext.install).parameters:
        assert f"        {name}: " in text


def test_a_file_that_would_hide_a_module_of_python_is_refused(program):
    result = program("stubs", "main:local", "-o", "types.py")
    assert result.returncode == 1
    assert "Name it app_types.py" in result.stderr
    assert not (program.folder / "types.py").exists()


def test_check_needs_a_file(program):
    result = program("stubs", "main:local", "--check")
    assert result.returncode == 2
    assert "-o FILE" in result.stderr


def test_the_description_keeps_every_part_of_a_signature(monkeypatch):
    monkeypatch.chdir(TYPING)
    described = described_app("weather:make", 30.0, None)
    members = {member.path: member for member in described.members}
    forecast = members["request.forecast"]
    assert forecast.is_async
    assert forecast.signature == "(days: int = 1, *, sky: Sky | None = None) -> list[Report.Line]"
    exact = "(days: int = 1, *, sky: weather.Sky | None = None) -> list[weather.Report.Line]"
    assert forecast.exact_signature == exact
    assert [parameter.kind for parameter in forecast.parameters or ()] == ["positional", "keyword only"]
    assert members["request.stations"].signature.startswith("(near: Sequence[Station] = (), /, within: ")
    assert members["request.units"].signature == ": dict[str, int] = dict()"
    assert described.replaces_own(members["response.redirect"])
