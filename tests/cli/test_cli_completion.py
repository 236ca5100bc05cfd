"""Shell completion: commands, flags and targets, without an import of what is completed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli_program import Program

MAIN = """
    import socketify_ext

    app = socketify_ext.App()

    def make():
        return app

    raise RuntimeError("imported")
"""
HOOKS = """
    raise RuntimeError("broken")
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    program = Program(tmp_path_factory.mktemp("project"), site)
    program.write("main", MAIN)
    Program(site).write("broken_hooks", HOOKS)
    info = site / "dist_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[socketify_ext.hooks]\nbroken = broken_hooks\n")
    return program


def completed(program, *words):
    """Return what bash gets for the last word."""
    line = " ".join(("socketify-ext", *words))
    done = subprocess.run(
        [sys.executable, "-m", "socketify_ext"],
        capture_output=True,
        text=True,
        check=False,
        cwd=program.folder,
        env=program.variables(
            {"_SOCKETIFY_EXT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
        ),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("st",), ["stubs"]),
        (("tree", "--j"), ["--json"]),
        (("new", "visits", "--requires", "ca"), ["cart"]),
        (("show", "--tr"), ["--traceback"]),
        (("show", "m"), ["msgpack", "main:app", "main:make"]),
        (("why", "request.cart", "main"), ["main:app", "main:make"]),
        (("lock", "ca"), ["cart"]),
        (("stubs", "nothing"), []),
    ],
    ids=str,
)
def test_a_shell_completes_commands_flags_and_targets(program, words, offered):
    assert completed(program, *words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(program, shell):
    done = program.process("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0, done.stderr
    assert "_SOCKETIFY_EXT_COMPLETE=complete_" in done.stdout.replace("complete_zsh", "complete_").replace("\\", "")
