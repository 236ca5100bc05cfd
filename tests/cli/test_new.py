"""`socketify-ext new`: what it writes works as it is, and what it can't write is told in one message."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_program import Program
from environments import Environment, build_wheel, run

from socketify_ext.cli.new.project import plan, write
from socketify_ext.errors import ProjectError

DOC = (Path(__file__).parents[2] / "docs" / "new.md").read_text()
COMMAND = (sys.executable, "-m", "socketify_ext", "new")


def new(folder, *arguments):
    return Program(folder)("new", *arguments)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_files_are_those_of_the_page(tmp_path):
    command = re.search(r"^\$ socketify-ext new (.*)$", DOC, re.MULTILINE)[1]
    done = new(tmp_path, *shlex.split(command))
    assert (done.returncode, done.stderr) == (0, "")
    table = DOC.partition("| file |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w./-]+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:]))
    written = files(tmp_path / "socketify-ext-greet")
    assert (
        sorted(name if "/" in name else name.replace("py.typed", "socketify_ext_greet/py.typed") for name in named)
        == written
    )
    assert all(f"socketify-ext-greet/{name}" in done.stdout for name in written)


def test_every_flag_is_on_the_page(tmp_path):
    shown = new(tmp_path, "--help")
    flags = set(re.findall(r"--[a-z-]+", shown.stdout)) - {"--help", "--traceback"}  # which all commands take
    assert set(re.findall(r"^\| `(--[a-z-]+)`", DOC, re.MULTILINE)) == flags


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("my plugin!", "not an identifier. Did you mean 'my-plugin'?"),
        ("9lives", "not an identifier"),
        ("a--b", "not an identifier. Did you mean 'a-b'?"),
        ("Greet", "Did you mean 'greet'?"),
        ("über", "not an identifier"),
        ("", "not an identifier"),
        ("../up", "Did you mean 'up'?"),
        ("class", "a Python keyword"),
        ("auth", "a built-in has it"),
        ("socketify-ext-auth", "a built-in has it"),
        ("end", "response.end is socketify's own"),
        ("request", "another use for that name"),
        ("x" * 31, "longer than 30 characters"),
    ],
)
def test_a_name_that_will_not_do_is_refused(name, why):
    with pytest.raises(ProjectError, match=re.escape(why)):
        plan(name)


def test_a_refusal_is_one_message_and_nothing_is_written(tmp_path):
    done = new(tmp_path, "my plugin!")
    assert (done.returncode, done.stdout, files(tmp_path)) == (1, "", [])
    assert re.fullmatch(r"error: \[EXT701\] .* Did you mean 'my-plugin'\?\n", done.stderr)


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    folder = tmp_path / "socketify-ext-greet"
    folder.mkdir()
    done = new(tmp_path, "greet", "--into", str(tmp_path))
    assert (done.returncode, files(tmp_path)) == (1, [])
    assert re.fullmatch(r"error: \[EXT701\] .* exists already\. .*\n", done.stderr)


def test_a_folder_that_can_not_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="can't be made"):
        write(plan("greet"), tmp_path / "file")


@pytest.mark.parametrize("text", ["two\nlines", "x" * 91])
def test_a_description_is_one_line_of_bounded_length(text):
    with pytest.raises(ProjectError, match="description"):
        plan("greet", text)


def test_without_a_name_and_a_terminal_the_usage_is_shown(tmp_path):
    done = new(tmp_path)
    assert done.returncode == 2
    assert "give the extension's name" in done.stderr


def test_at_a_terminal_it_asks(tmp_path):
    master, slave = pty.openpty()
    with subprocess.Popen(
        COMMAND, cwd=tmp_path, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        os.close(slave)
        os.write(master, b"tea-time\nBrew tea.\nBob\n")
        output = process.stdout.read().decode()
        assert process.wait(20) == 0, output
    os.close(master)
    folder = tmp_path / "socketify-ext-tea-time"
    assert 'description = "Brew tea."' in (folder / "pyproject.toml").read_text()
    assert "Bob" in (folder / "LICENSE").read_text()
    assert '"""Brew tea."""' in (folder / "socketify_ext_tea_time" / "extension.py").read_text()


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheels):
    """Install the wheel of a new project beside the package, as its CI would, in an environment of its own."""
    folder = tmp_path_factory.mktemp("new")
    # What has a meaning in TOML, Python and Markdown, in a name and texts as long as they may be.
    project = plan("tea-and-more_than-enough-bread", 'Say "tea" \\ or \N{EN DASH} ' + "x" * 72 + "'", "Ann & Bob")
    write(project, folder)
    source = folder / project.distribution
    made = Environment(folder / "environment")
    made.install(wheels["socketify-ext"], f"{build_wheel(source, folder)}[dev]")
    made.project, made.source = project, source
    return made


@pytest.mark.parametrize(
    "command",
    [
        ("pytest",),
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        ("mypy",),
        ("socketify-ext", "check", "tea-and-more_than-enough-bread"),
    ],
    ids=" ".join,
)
def test_what_it_writes_passes_its_own_checks_unchanged(environment, command):
    program, *arguments = command
    run(environment.program(program), *arguments, cwd=environment.source, env=environment.variables)
