"""The standard streams of the commands: any locale, a reader that leaves, streams that are closed or full."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cli_program import Program

ACCENTED = """
    import socketify_ext

    @socketify_ext.extension("greet")
    def greet(request, response, ws):
        \"\"\"Grüße, 你好 → all.\"\"\"
        @response.method
        def grüße(self, name: str = "Jürgen ☃"):
            \"\"\"Grüß dich.\"\"\"
        request.property("é", "ü")

    def run(app):
        socketify_ext.install(app).register(greet)
"""
LOCALES = [
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]
COMMANDS = [
    ("tree", "app:run"),
    ("show", "app:greet"),
    ("list",),
    ("why", "response.grüße", "app:run"),
    ("lock", "app:run", "-o", "l.lock"),
    ("--help",),
    ("show", "é☃"),
    ("why", "response.greet", "app:\udcff"),
    ("new", "größe"),
]


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    (tmp_path / "app.py").write_text(ACCENTED.replace("\n    ", "\n"), encoding="utf-8")
    return program


def run(program, *arguments, **environment):
    """Run a command in a process of its own; what it writes is bytes."""
    command = [sys.executable, "-m", "socketify_ext", *map(os.fsencode, arguments)]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        cwd=program.folder,
        env=program.variables(environment),
    )


@pytest.mark.parametrize("locale", LOCALES, ids=lambda each: "-".join(each.values()))
def test_no_locale_takes_a_command_down(program, locale):
    for command in COMMANDS:
        done = run(program, *command, **locale)
        assert b"Traceback" not in done.stderr, command
        wrong = command[-1] in ("é☃", "app:\udcff", "größe")
        assert (done.returncode, bool(done.stdout)) == (1, False) if wrong else (0, command[0] != "lock"), (
            command,
            done.stderr,
        )


@pytest.mark.parametrize("locale", LOCALES, ids=lambda each: "-".join(each.values()))
def test_what_is_python_is_written_in_utf_8_in_every_locale(program, locale):
    written = run(program, "stubs", "app:run", **locale).stdout.decode("utf-8")
    assert "def grüße(self, name: str = ...)" in written
    assert run(program, "stubs", "app:run", "-o", "t.py", **locale).returncode == 0
    assert (program.folder / "t.py").read_text(encoding="utf-8") == written
    assert run(program, "stubs", "app:run", "-o", "t.py", "--check").returncode == 0


@pytest.mark.parametrize("locale", LOCALES, ids=lambda each: "-".join(each.values()))
def test_a_new_project_is_written_in_utf_8_in_every_locale(program, locale):
    done = run(program, "new", "greet", "--description", "Grüße für alle ☃", "--author", "Jürgen", **locale)
    assert (done.returncode, done.stderr) == (0, b"")
    folder = program.folder / "socketify-ext-greet"
    assert 'description = "Grüße für alle ☃"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert "Jürgen" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert all(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != "py.typed")


def test_text_that_is_no_text_is_refused_and_nothing_is_written(program):
    done = run(program, "new", "greet", "--author", "\udcff")
    assert done.returncode == 1
    assert b"characters that can't be printed" in done.stderr
    assert not (program.folder / "socketify-ext-greet").exists()


CLOSED = [("list",), ("list", "--json"), ("tree", "app:run"), ("show", "app:greet"), ("stubs", "app:run"), ("--help",)]


@pytest.mark.parametrize("command", CLOSED, ids=" ".join)
def test_a_reader_that_leaves_is_no_error(program, command):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "socketify_ext", *command],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        cwd=program.folder,
        env=program.variables({}),
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1 2"])
def test_closed_streams_take_no_command_down(program, closed):
    code = f"""
import os, sys
for descriptor in map(int, {closed!r}.split()):
    os.close(descriptor)
os.execv(sys.executable, [sys.executable, "-m", "socketify_ext", "lock", "app:run", "-o", "l.lock"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        cwd=program.folder,
        env=program.variables({}),
    )
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert (program.folder / "l.lock").exists()


@pytest.mark.parametrize("command", CLOSED[1:3], ids=" ".join)
def test_a_file_that_takes_no_more_is_told_in_one_line(program, command):
    code = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))
os.execv(sys.executable, [sys.executable, "-m", "socketify_ext", *{command!r}])
"""
    with (program.folder / "output").open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=program.folder,
            env=program.variables({"PYTHONUNBUFFERED": ""}),  # else Python itself drops the rest of a short write
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: [EXT601] standard output can't be written: File too large.")
    assert done.stderr.count("\n") == 1
