"""The command line, with plugins that are installed as far as importlib.metadata can tell."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from cli_program import Program

from socketify_ext.runtime import compiled

Install = Callable[..., None]

BUILTINS = ["auth", "backplane", "cart", "inspector", "json", "msgpack", "pm", "schema"]
WEATHER = """
    from pathlib import Path
    from pydantic import BaseModel, Field
    import socketify_ext

    Path(__file__).with_suffix(".imported").touch()

    class Options(BaseModel):
        unit: str = Field("[C]", description="degrees")
        key: str

    @socketify_ext.extension("weather", options=Options, requires=["auth>=0"], before=["pm"], after=["cart"])
    def weather(request, response, ws, *, options, app):
        '''Tell the weather.'''
        @request.method
        async def forecast(self, days: int = 1) -> list[str]:
            '''Look ahead.'''
        request.property("city", "Oslo", type=str)
        @request.property
        async def station(self) -> str:
            '''Find the nearest.'''
        app.get("/weather", lambda res, req: None)
        @app.on_startup
        async def connect(): ...
        @app.on_shutdown
        def disconnect(): ...
        @app.before_request(prefix="/weather/today")
        def warn(res, req): ...
        @app.on_ws_close
        def left(ws, code, message): ...
"""
HELLO = """
    import socketify_ext

    @socketify_ext.hookimpl
    def socketify_ext_cli(cli):
        @cli.command()
        def hello(name: str = "world"):
            '''Greet.'''
            print(f"hello {name}")
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def install(site: Path) -> Install:
    """Install a distribution of one module: the module's code and its entry points as `group: {name: value}`."""

    def put(distribution: str, module: str, code: str | None, entry_points: dict[str, dict[str, str]]) -> None:
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nSummary: A [fake] one\n"
        )
        groups = (
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in found.items())
            for group, found in entry_points.items()
        )
        (info / "entry_points.txt").write_text("\n".join(groups))
        if code is not None:
            (site / f"{module}.py").write_text(dedent(code))

    return put


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Program:
    return Program(tmp_path, site)


def read_all(terminal: io.RawIOBase) -> str:
    parts = []
    with contextlib.suppress(OSError):  # so a terminal ends on Linux
        while part := terminal.read(4096):
            parts.append(part)
    return b"".join(parts).decode()


def listed(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert result.returncode == 0, result.stderr
    return {f"{record['distribution']}:{record['name']}": record for record in json.loads(result.stdout)}


def shown(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_list_json_has_the_builtins_with_exactly_the_promised_keys(run: Program) -> None:
    result = run("list", "--json")
    records = [record for record in json.loads(result.stdout) if record["source"] == "builtin"]
    assert [record["name"] for record in records] == BUILTINS
    for record in records:
        assert list(record) == ["name", "version", "distribution", "source", "status", "summary", "error", "kind"]
        assert record["version"] == version("socketify-ext")
        assert (record["distribution"], record["status"], record["error"]) == ("socketify-ext", "ok", None)
        assert record["summary"]
    assert (result.returncode, result.stderr) == (0, "")


def test_list_prints_a_row_for_each_extension_even_where_the_width_is_small(run: Program) -> None:
    result = run("list", COLUMNS="20")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Name", "Version", "Distribution", "Status", "Summary"]
    rows = {line.split()[0]: line.split()[1:4] for line in lines[1:]}
    for name in BUILTINS:
        assert rows[name] == [version("socketify-ext"), "socketify-ext", "ok"]
    assert result.returncode == 0


def test_list_tells_each_status_and_its_reason(run: Program, install: Install) -> None:
    install("dist-gone", "gone", None, {"socketify_ext": {"gone": "gone_module:gone"}})
    install("dist-one", "one", "", {"socketify_ext": {"twice": "one:twice"}})
    install("dist-two", "two", "", {"socketify_ext": {"twice": "two:twice", "auth": "two:auth"}})
    install("dist-off", "off", "", {"socketify_ext": {"off": "off:off"}})
    records = listed(run("list", "--json", SOCKETIFY_EXT_DISABLE="off"))
    told = {name: (record["status"], record["error"] or "") for name, record in records.items()}
    assert told["socketify-ext:auth"] == ("ok", "")
    for name, status, reason in (
        ("dist-gone:gone", "broken", "gone_module"),
        ("dist-one:twice", "duplicate", "dist-two 1.0"),
        ("dist-two:twice", "duplicate", "dist-one 1.0"),
        ("dist-two:auth", "shadowed", 'load("dist-two:auth")'),
        ("dist-off:off", "blocked", "SOCKETIFY_EXT_DISABLE"),
    ):
        assert told[name][0] == status
        assert reason in told[name][1]
        assert (records[name]["source"], records[name]["version"]) == ("plugin", "1.0")


def test_list_tells_each_built_in_by_a_summary_of_its_own(run: Program) -> None:
    summaries = {record["name"]: record["summary"] for record in json.loads(run("list", "--json").stdout)}
    assert len(set(summaries.values())) == len(BUILTINS)
    assert summaries["cart"].startswith("What a client wants")


def test_list_writes_one_line_an_extension_to_a_program(run: Program, install: Install) -> None:
    install("dist-gone", "gone", None, {"socketify_ext": {"gone": "gone_module:gone"}})
    head, *rows = run("list").stdout.splitlines()
    assert head.split() == ["Name", "Version", "Distribution", "Status", "Summary"]
    assert [row.split()[0] for row in rows] == sorted([*BUILTINS, "gone"])
    (gone,) = (row for row in rows if row.startswith("gone"))
    assert gone.split()[1:4] == ["1.0", "dist-gone", "broken"]
    assert gone.endswith("A [fake] one; module 'gone_module' does not exist")


def test_list_shows_summaries_literally_and_errors_in_the_table_on_a_terminal(run: Program, install: Install) -> None:
    install("dist-gone", "gone", None, {"socketify_ext": {"gone": "gone_module:gone"}})
    ours, its = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        assert run.process("list", stdout=its).returncode == 0
        os.close(its)
        shown = read_all(terminal)
    assert "A [fake] one" in shown
    assert "\r\n" in shown.partition("A [fake] one")[2]
    assert "module 'gone_module' does not exist" in shown


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json")])
def test_list_imports_neither_the_core_nor_pydantic_nor_a_plugin(
    run: Program, install: Install, site: Path, arguments: tuple[str, ...]
) -> None:
    install("dist-weather", "weather", WEATHER, {"socketify_ext": {"weather": "weather:weather"}})
    result = run.process(*arguments, python=("-X", "importtime"))
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if "import time:" in line}
    assert "typer" in imported
    assert "socketify_ext.registry" in imported
    assert not imported & {"socketify", "pydantic", "pydantic_core", "pluggy", "weather"}
    assert "rich" not in imported
    assert not (site / "weather.imported").exists()
    assert run("show", "weather").returncode == 0
    assert (site / "weather.imported").exists()


def test_list_reports_an_unknown_blocked_name_on_stderr_with_a_suggestion(run: Program) -> None:
    result = run("list", "--json", SOCKETIFY_EXT_DISABLE="msgpak,auth")
    assert result.stderr.count("\n") == 1
    assert "'msgpak'" in result.stderr
    assert "Did you mean 'msgpack'?" in result.stderr
    assert listed(result)["socketify-ext:auth"]["status"] == "blocked"


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("auth", ["tokens: ", "async get_user()", "Members of request"]),
        ("cart", ["Cart = new_cart()", "Members of request"]),
        ("msgpack", ["content_type: str = 'application/msgpack'", "msgpack(value: Any, status: int = 200)"]),
        ("pm", ["send_pm(to_username: str, message: Any, *, key: str | None = None)", "Members of ws"]),
    ],
)
def test_show_tells_options_and_members_of_a_builtin(run: Program, name: str, texts: list[str]) -> None:
    result = run("show", name)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{name} (socketify-ext {version('socketify-ext')}, {name}/extension.py:")
    for text in texts:
        assert text in result.stdout


def test_show_json_describes_a_builtin(run: Program) -> None:
    described = shown(run("show", "msgpack", "--json"))
    assert described["options"][0] == {
        "name": "content_type",
        "type": "str",
        "required": False,
        "default": "'application/msgpack'",
        "description": "the Content-Type of answers, lower case",
        "options": [],
    }
    assert {target: len(members) for target, members in described["members"].items()} == {
        "request": 0,
        "response": 3,
        "ws": 2,
    }
    member = described["members"]["response"][0]
    assert (member["name"], member["kind"], member["is_async"]) == ("msgpack", "method", False)
    source = Path(member["file"]).read_text().splitlines()[member["line"] - 1 :]
    assert any("def msgpack(self" in line for line in source[:2])
    assert described["members_error"] is None


def test_show_describes_a_plugin_whose_options_must_be_given(run: Program, install: Install, site: Path) -> None:
    points = {"socketify_ext": {"weather": "weather:weather"}, "socketify_ext.hooks": {"hello": "hello"}}
    install("dist-weather", "weather", WEATHER, points)
    (site / "hello.py").write_text(dedent(HELLO))
    described = shown(run("show", "weather", "--json"))
    assert (described["name"], described["distribution"], described["version"]) == ("weather", "dist-weather", "1.0")
    assert described["doc"] == "Tell the weather."
    assert (described["requires"], described["before"], described["after"]) == (["auth>=0"], ["pm"], ["cart"])
    options = [(o["name"], o["required"], o["default"], o["description"]) for o in described["options"]]
    assert options == [("unit", False, "'[C]'", "degrees"), ("key", True, None, "")]
    members = [(m["name"], m["kind"], m["signature"]) for m in described["members"]["request"]]
    assert members == [
        ("forecast", "method", "(days: int = 1) -> list[str]"),
        ("city", "property", ": str = 'Oslo'"),
        ("station", "computed", ": Awaitable[str]"),
    ]
    assert described["hooks"] == ["socketify_ext_cli"]
    assert [place["name"] for place in described["startup"]] == ["connect"]
    assert [place["name"] for place in described["shutdown"]] == ["disconnect"]
    assert described["routes"] == [{"method": "get", "path": "/weather"}]
    hooks = [(hook["event"], hook["prefix"], hook["name"]) for hook in described["request_hooks"]]
    assert hooks == [("before_request", "/weather/today", "warn"), ("on_ws_close", "/", "left")]
    text = run("show", "weather").stdout
    assert "before_request /weather/today  warn" in text
    assert "computed station: Awaitable[str]" in text
    for part in ("key: str (required)", "unit: str = '[C]'", "socketify_ext_cli", "connect", "/weather", "auth>=0"):
        assert part in text


def test_show_says_in_one_line_which_options_must_be_given(run: Program, install: Install) -> None:
    code = """
        from pydantic import BaseModel
        import socketify_ext

        class Options(BaseModel):
            key: str

        @socketify_ext.extension("keyed", options=Options)
        def keyed(request, response, ws, *, options):
            request.property("key", options.key)
    """
    install("dist-keyed", "keyed", code, {"socketify_ext": {"keyed": "keyed:keyed"}})
    result = run("show", "keyed")
    assert "key: str (required)" in result.stdout
    assert [line for line in result.stdout.splitlines() if line.startswith("It needs")] == [
        "It needs key: give --option key=VALUE; members that depend on it may differ."
    ]
    assert (result.returncode, result.stderr) == (0, "")


def test_show_exits_with_1_for_an_extension_that_fails_with_its_default_options(run: Program, install: Install) -> None:
    code = """
        import socketify_ext

        @socketify_ext.extension("bad")
        def bad(request, response, ws):
            print("noise")
            request.property("_private")
    """
    install("dist-bad", "bad", code, {"socketify_ext": {"bad": "bad:bad"}})
    result = run.process("show", "bad", "--json")
    assert "EXT102" in json.loads(result.stdout)["members_error"]
    assert (result.returncode, result.stderr) == (1, "noise\n")


def test_an_unknown_name_exits_with_1_and_suggests(run: Program) -> None:
    result = run("show", "msgpak")
    assert (result.returncode, result.stdout) == (1, "")
    assert "EXT300" in result.stderr
    assert "Did you mean 'msgpack'?" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_broken_plugin_exits_with_1_and_names_its_distribution(run: Program, install: Install) -> None:
    install("dist-raises", "raises", "raise ValueError('no luck')", {"socketify_ext": {"raises": "raises:it"}})
    result = run("show", "raises")
    assert (result.returncode, result.stdout) == (1, "")
    for part in ("EXT301", "dist-raises 1.0", "ValueError: no luck"):
        assert part in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("list", "--nonsense"), ("show",)])
def test_wrong_usage_exits_with_2(run: Program, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Usage:" in result.stderr


def test_version_is_that_of_the_distribution(run: Program) -> None:
    result = run("--version")
    own = f"socketify-ext {version('socketify-ext')}"
    assert (result.returncode, result.stdout) == (0, f"{own}\nspeedups {compiled.find()[1]}\n")


def test_version_says_where_speedups_are_left_out(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.VARIABLE, "0")
    assert run("--version").stdout.splitlines()[1] == "speedups left out by SOCKETIFY_EXT_SPEEDUPS=0"


def test_without_arguments_it_prints_help(run: Program) -> None:
    result = run()
    assert "Usage:" in result.stdout + result.stderr
    assert "Find and inspect extensions" in result.stdout + result.stderr


def test_help_of_a_builtin_command_loads_no_plugin(run: Program, install: Install) -> None:
    install("dist-noisy", "noisy", "raise ValueError", {"socketify_ext.hooks": {"noisy": "noisy"}})
    result = run("list", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--json" in result.stdout


def test_a_plugin_adds_a_command_through_the_hook(run: Program, install: Install) -> None:
    install("dist-hello", "hello", HELLO, {"socketify_ext.hooks": {"hello": "hello"}})
    result = run("hello", "--name", "you")
    assert (result.returncode, result.stdout, result.stderr) == (0, "hello you\n", "")
    text = run("--help").stdout
    assert "Greet." in text
    assert "list" in text


def test_a_blocked_plugin_adds_no_command(run: Program, install: Install) -> None:
    install("dist-hello", "hello", HELLO, {"socketify_ext.hooks": {"hello": "hello"}})
    assert run("hello", SOCKETIFY_EXT_DISABLE="hello").returncode == 2


def test_a_command_of_a_plugin_reports_an_extension_error_as_the_builtin_ones_do(
    run: Program, install: Install
) -> None:
    code = """
        import socketify_ext

        @socketify_ext.hookimpl
        def socketify_ext_cli(cli):
            cli.command("load")(lambda: socketify_ext.load("msgpak") and None)
    """
    install("dist-load", "loads", code, {"socketify_ext.hooks": {"loads": "loads"}})
    result = run("load")
    assert result.returncode == 1
    assert "EXT300" in result.stderr
    assert "Traceback" not in result.stderr


def test_whatever_a_command_of_a_plugin_raises_is_one_message_unless_a_traceback_is_asked_for(
    run: Program, install: Install
) -> None:
    install(
        "dist-hello", "hello", HELLO.replace("print(", "raise ValueError("), {"socketify_ext.hooks": {"h": "hello"}}
    )
    result = run("hello")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("error: ValueError: hello world. Add --traceback to see where")
    for asked in (("--traceback", "hello"), ("hello", "--traceback")):
        assert "Traceback (most recent call last)" in run(*asked).stderr


def test_a_plugin_cannot_take_the_name_of_a_builtin_command(run: Program, install: Install) -> None:
    install("dist-thief", "thief", HELLO.replace("def hello", "def show"), {"socketify_ext.hooks": {"thief": "thief"}})
    result = run("--help")
    assert "Greet." not in result.stdout
    assert "dist-thief 1.0" in result.stderr
    assert "'show'" in result.stderr


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('no luck')", "ValueError: no luck"),
        (HELLO.replace("(cli)", "(wrong)"), "EXT304"),
        (HELLO.replace("socketify_ext_cli", "socketify_ext_cly"), "EXT304"),
        (HELLO + "\n        raise ValueError('half way')\n", "ValueError: half way"),
    ],
    ids=["import", "argument", "unknown-hook", "call"],
)
def test_a_broken_hook_plugin_is_reported_and_the_rest_works(
    run: Program, install: Install, code: str, reason: str
) -> None:
    install(
        "dist-broken", "broken", code.replace("def hello", "def bye"), {"socketify_ext.hooks": {"broken": "broken"}}
    )
    install("dist-hello", "hello", HELLO, {"socketify_ext.hooks": {"hello": "hello"}})
    result = run("hello")
    assert (result.returncode, result.stdout) == (0, "hello world\n")
    assert "dist-broken 1.0" in result.stderr
    assert reason in result.stderr
    assert "Traceback" not in result.stderr
    assert run("bye").returncode == 2
    assert run("show", "cart").returncode == 0


# Those on a target run as programs in test_cli_output.py.
@pytest.mark.parametrize("command", [("list",), ("lock", "cart"), ("new", "greet")], ids=lambda command: command[0])
def test_a_command_runs_as_a_program(run: Program, command: tuple[str, ...]) -> None:
    result = run.process(*command)
    assert result.returncode == 0, result.stderr
    assert result.stdout + result.stderr


def test_escape_sequences_in_the_help_of_a_plugin_are_text(run: Program, install: Install) -> None:
    code = (
        HELLO.replace("Greet.", "Greet \x1b[31m.")
        .replace(
            'name: str = "world"',
            'name: str = typer.Option("wor\x1b[32mld", help="who \x1b[33m")',
        )
        .replace("import socketify_ext", "import socketify_ext, typer")
    )
    install("dist-hello", "hello", code, {"socketify_ext.hooks": {"hello": "hello"}})
    for arguments, shown in (
        (("--help",), ("Greet \\x1b[31m.",)),
        (("hello", "--help"), ("wor\\x1b[32mld", "who \\x1b[33m")),
    ):
        text = run(*arguments).stdout
        assert "\x1b" not in text
        for part in shown:
            assert part in text
    assert run("hello").stdout == "hello wor\x1b[32mld\n"
