from __future__ import annotations

import os
import pty
import re
from pathlib import Path

import pytest
from cli_program import Program

CLI = Path(__file__).parents[2] / "socketify_ext" / "cli"


@pytest.fixture
def hostile(tmp_path):
    """Return the program, beside a distribution with hostile metadata."""
    folder = tmp_path / "evil-1.0.dist-info"
    folder.mkdir()
    summary = "nice\x1b]0;title\x07\x1b[2J\n  auth   9.9  a row that is none"
    (folder / "METADATA").write_text(f"Name: evil\nVersion: 1.0\x1b[31mRED\nSummary: {summary}\n")
    (folder / "entry_points.txt").write_text("[socketify_ext]\nevil = os:system\n")
    return Program(tmp_path)


def test_escape_sequences_of_metadata_are_text_in_a_pipe(hostile):
    shown = hostile("list", TERM="dumb").stdout
    assert "\\x1b[2J\\n" in shown
    assert "\x1b" not in shown
    assert not any(line.lstrip().startswith("auth   9.9") for line in shown.splitlines())


def test_escape_sequences_of_metadata_are_text_at_a_terminal(hostile):
    leader, follower = pty.openpty()
    assert hostile.process("list", stdout=follower, TERM="dumb").returncode == 0
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert b"\\x1b[2J" in shown
    assert b"\x1b[2J" not in shown
    assert b"\x07" not in shown


@pytest.mark.parametrize(("command", "shown"), [(("list",), "msgpack"), (("show", "cart"), "Cart")])
def test_nothing_is_left_out_at_a_narrow_terminal(tmp_path, command, shown):
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        assert Program(tmp_path).process(*command, stdout=follower, COLUMNS="14").returncode == 0
        os.close(follower)
        text = terminal.read(65536).decode()
    assert shown in text
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


WICKED = """
import socketify_ext
from pydantic import BaseModel, Field

class Options(BaseModel):
    x: str = Field("a\x1b[31m", description="d\x1b[32m")

@socketify_ext.extension("wicked", options=Options)
def wicked(request, response, ws, *, options):
    "Doc \x1b[33m."
    @request.method
    def boo(self, a="\x1b[34m"):
        "Boo \x1b[35m."
        raise ValueError("oops \x1b[36m")
"""
CODE = "\x1b[2J"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["show", "wicked:wicked"], "Doc \\x1b[33m."),
        (["tree", "wicked:wicked"], "boo(a='\\x1b[34m')"),
        (["why", "request.boo", "wicked:wicked"], None),
        (["stubs", "wicked:wicked"], None),
        (["check", "wicked:wicked"], "oops \\x1b[36m"),
        (["show", CODE], "\\x1b[2J"),
        (["tree", f"{CODE}:x"], "\\x1b[2J"),
        (["why", CODE, "wicked:wicked"], None),
        (["new", CODE], "\\x1b[2J"),
        (["--traceback", "show", CODE], "\\x1b[2J"),
        ([CODE], "\\x1b[2J"),
        (["list", f"--x{CODE}"], "\\x1b[2J"),
        (["show", "auth", CODE], "\\x1b[2J"),
        (["check", "wicked:wicked", "--timeout", CODE], None),
        (["check", "wicked:wicked", "--ignore", CODE], "\\x1b[2J"),
        (["check", "wicked:wicked", "--option", CODE], "\\x1b[2J"),
    ],
)
def test_escape_sequences_of_code_and_arguments_are_text_in_every_command(hostile, arguments, shown):
    hostile.write("wicked", WICKED)
    done = hostile(*arguments, TERM="dumb")
    written = done.stdout + done.stderr
    assert written
    assert "\x1b" not in written
    assert shown is None or shown in written


def test_all_commands_write_by_the_one_module_that_escapes():
    for path in CLI.glob("*.py"):
        if path.name not in ("output.py", "__init__.py"):
            assert "typer.echo" not in path.read_text(), path.name


ACCENTED = """
    import socketify_ext

    @socketify_ext.extension("accented")
    def accented(request, response, ws):
        "Größe."
        @request.method
        def gr\u00f6\u00dfe(self) -> str:
            "Größe."
            return self.get_header("größe") or self.get_cookie("größe") or self.get_query("größe")
"""


@pytest.mark.parametrize("command", [("check",), ("show",), ("tree",), ("stubs",), ("why", "request.größe")])
def test_characters_that_the_output_has_not_are_escapes(tmp_path, command):
    program = Program(tmp_path)
    program.write("accented", ACCENTED)
    done = program.process(*command, "accented:accented", TERM="dumb", PYTHONIOENCODING="ascii")
    assert "Traceback" not in done.stderr
    assert re.search(r"gr(ö|\\xf6)(ß|\\xdf)e", done.stdout)
