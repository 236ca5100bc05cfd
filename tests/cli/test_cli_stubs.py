"""`socketify-ext stubs`: what it writes, and what `--check` finds; `test_typing.py` has what checkers say of it."""

from __future__ import annotations

import inspect
import sys

import pytest
import socketify
from cli_program import ROOT, Program

import socketify_ext
from socketify_ext.cli.described import described_app
from socketify_ext.cli.stubs.module import OWN_CLASSES

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


def test_the_classes_of_all_apps_are_the_module_s_own_in_its_members():
    text = (TYPING / "app_types.py").read_text()
    assert "def tinted(self, by: Request) -> Self:" in text
    assert "def shaded(self, *, by: Callable[[Request], bool]) -> Response:" in text
    assert "def peer(self) -> WebSocket | None:" in text
    for full, name in OWN_CLASSES.items():
        module, _, qualified = full.partition(":")
        home = socketify_ext if module.startswith("socketify_ext") else socketify
        kind = getattr(home, name)
        assert (kind.__module__, kind.__qualname__) == (module, qualified)


def test_a_member_that_has_the_name_of_a_class_leaves_types_as_they_are(tmp_path):
    program = Program(tmp_path)
    program.write(
        "main",
        """
        import socketify_ext

        @socketify_ext.extension("odd")
        def odd(request, response, ws):
            request.property("Response", 1)

            @response.method
            def me(self) -> socketify_ext.Response: ...
        """,
    )
    text = program("stubs", "main:odd").stdout
    assert "from socketify_ext.runtime.response import Response as _socketify_ext_runtime_response_Response" in text


def test_what_is_private_is_in_nobody_s_types():
    for command in (("stubs", "weather:make"), ("tree", "weather:make"), ("show", "weather:weather")):
        assert "shown" not in Program(TYPING)(*command).stdout


FIRST = {
    "main": "from app_types import App, Behavior, Request, Response, WebSocket, install\napp = App()\n",
    "plain": "import app_types\napp = app_types.App()\n",
    "renamed": "import app_types as types_of_it\ndef make(): return types_of_it.App()\n",
    "package.__init__": "",
    "package.main": "from .app_types import App\napp = App()\n",
    "package.other": "from . import app_types\napp = app_types.App()\n",
    "later": "import socketify_ext\ndef run(app):\n    from app_types import install\n    install(app)\n",
}
TARGETS = [
    ("main:app", "app_types"),
    ("plain:app", "app_types"),
    ("renamed:make", "app_types"),
    ("package.main:app", "package/app_types"),
    ("package.other:app", "package/app_types"),
    ("later:run", "app_types"),
]


@pytest.fixture
def fresh(tmp_path):
    (tmp_path / "package").mkdir()
    for name, code in FIRST.items():
        (tmp_path / f"{name.replace('.', '/')}.py").write_text(code)
    return Program(tmp_path)


@pytest.mark.parametrize(("target", "file"), TARGETS)
def test_an_app_that_imports_the_module_is_looked_at_before_it_is_written(fresh, target, file):
    looked = fresh("tree", target)
    assert looked.returncode == 0, looked.stderr
    assert looked.stderr.startswith("warning: ")
    assert f"imports {file.replace('/', '.')}, which is not there" in looked.stderr
    written = fresh("stubs", target, "-o", f"{file}.py")
    assert (written.returncode, written.stderr) == (0, "")
    assert fresh("tree", target).stderr == ""
    checked = fresh("stubs", target, "-o", f"{file}.py", "--check")
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize(
    "content", ["", "\n", '"""Types of main:app, written by `socketify-ext stubs`; do not edit."""\nbroken (']
)
def test_a_module_that_was_left_empty_or_broken_is_written_anew(fresh, content):
    (fresh.folder / "app_types.py").write_text(content)
    written = fresh("stubs", "main:app", "-o", "app_types.py")
    assert (written.returncode, written.stderr) == (0, "")
    assert fresh("tree", "main:app").returncode == 0


def test_a_module_may_be_written_by_redirection(fresh):
    with (fresh.folder / "app_types.py").open("wb") as output:
        assert fresh.process("stubs", "main:app", stdout=output.fileno()).returncode == 0
    assert fresh("tree", "main:app").stderr == ""


def test_the_module_of_a_stock_app_stays_one(fresh):
    fresh.write("stock", "from app_types import App, Request\napp = App()\n")
    fresh.write("app_types", "from socketify import App, Request\n")
    assert "a stock app" in fresh("tree", "stock:app").stdout
    assert fresh("stubs", "stock:app", "-o", "app_types.py", "--force").returncode == 0
    assert (
        "    from socketify import App, Request, Response, WebSocket\n" in (fresh.folder / "app_types.py").read_text()
    )
    assert fresh("stubs", "stock:app", "-o", "app_types.py", "--check").returncode == 0


@pytest.mark.parametrize(
    "code",
    [
        "import no_such_module\napp = no_such_module.make()\n",
        "from no_such_module import App, Session\napp = App()\n",
        "from .no_such_module import App\napp = App()\n",
        "import no_such_module\napp = None\n",
    ],
)
def test_another_module_that_is_missing_is_an_error(fresh, code):
    fresh.write("wrong", code)
    result = fresh("tree", "wrong:app")
    assert result.returncode == 1
    assert "ImportError" in result.stderr or "ModuleNotFoundError" in result.stderr


def test_an_import_that_may_fail_is_left_to_fail(fresh):
    fresh.write(
        "guarded",
        """
        import socketify_ext

        try:
            from no_such_module import App, Request
        except ImportError:
            App = socketify_ext.App
            app = App()
            app.register(socketify_ext.load("cart"))
        """,
    )
    result = fresh("tree", "guarded:app")
    assert (result.returncode, result.stderr) == (0, "")
    assert "request.cart" in result.stdout


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
