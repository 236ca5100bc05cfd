"""docs/cli.md says of each command and flag what the program does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import typer
from cli_program import ROOT, Program

from socketify_ext.cli import cli

PAGE = (ROOT / "docs" / "cli.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
ROOT_COMMAND = typer.main.get_command(cli)
COMMANDS = dict(ROOT_COMMAND.commands)


def options(command):
    return [parameter for parameter in command.params if parameter.param_type_name == "option"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_flag_is_documented(name):
    assert f"[`{name}`](#{name})" in PAGE
    for option in options(COMMANDS[name]):
        for flag in option.opts:
            assert re.search(rf"`{flag}[` ]", SECTIONS[name]), f"{name} {flag}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_documents_no_flag_that_is_not_there(name):
    known = {flag for option in options(COMMANDS[name]) for flag in option.opts}
    assert set(re.findall(r"^\| .*?`(-[\w-]+)", SECTIONS[name], re.MULTILINE)) <= known


def test_the_global_flags_are_documented():
    for option in options(ROOT_COMMAND):
        assert f"| `{option.opts[0]}` |" in PAGE


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_and_flag_has_help(name):
    command = COMMANDS.get(name, ROOT_COMMAND)
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name


def test_the_example_of_stubs_checks_and_runs(tmp_path):
    program = Program(tmp_path)
    program.write("main", "import socketify_ext\napp = socketify_ext.App()\napp.register(socketify_ext.load('cart'))\n")
    example = re.search(r"```python\n(.*?)```", SECTIONS["stubs"], re.DOTALL)
    assert example is not None
    (tmp_path / "example.py").write_text(example[1])
    assert program("stubs", "main:app", "-o", "app_types.py").returncode == 0
    done = subprocess.run(
        [sys.executable, "example.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
