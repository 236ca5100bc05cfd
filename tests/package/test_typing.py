"""Type checkers in strict mode accept the wheel's types and the output of `socketify-ext stubs`.

The checked files are in `tests/typing`; each mistake in them names the error that both checkers must report.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAIN = """
import socketify
import socketify_ext

def empty():
    return socketify_ext.App()

def stock(app):
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("cart"))
"""
REASON = "it is in the dependency group dev"
TARGETS = {"empty_types": "main:empty", "stock_types": "main:stock", "cart_types": "cart", "pm_types": "pm"}


def run(*command, cwd, **environment):
    inherited = {name: value for name, value in os.environ.items() if name not in ("MYPYPATH", "PYTHONPATH")}
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd, env={**inherited, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Make a folder with the files to check, and with stubs of more targets."""
    folder = tmp_path_factory.mktemp("typing") / "project"
    shutil.copytree(ROOT / "tests" / "typing", folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (folder / "main.py").write_text("# mypy: ignore-errors\n# pyright: basic\n" + MAIN)
    for name, target in TARGETS.items():
        command = (sys.executable, "-m", "socketify_ext", "stubs", target, "-o", f"{name}.py")
        run(*command, cwd=folder, PYTHONPATH=str(ROOT))
    example = re.search(r"```python\n(from app_types.*?)```", (ROOT / "docs" / "cli.md").read_text(), re.DOTALL)
    assert example is not None
    (folder / "documented.py").write_text(example[1].replace("app_types", "cart_types"))
    return folder


def test_mypy_accepts_handlers_and_what_is_written_and_refuses_mistakes(bare_environment, project, tmp_path):
    pytest.importorskip("mypy", reason=REASON)
    options = [
        "--config-file=",
        "--strict",
        "--warn-unreachable",
        "--enable-error-code=deprecated",
        "--python-version=3.10",
        f"--cache-dir={tmp_path}",
    ]
    installed = f"--python-executable={bare_environment.program('python')}"
    told = run(sys.executable, "-m", "mypy", *options, installed, ".", cwd=project)
    assert f"no issues found in {len([*project.glob('*.py')])} source files" in told


def test_pyright_accepts_handlers_and_what_is_written_and_refuses_mistakes(bare_environment, project):
    pytest.importorskip("pyright", reason=REASON)
    command = (sys.executable, "-m", "pyright", "--pythonpath", bare_environment.program("python"))
    assert "0 errors, 0 warnings" in run(*command, cwd=project, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")


def test_the_types_of_the_core_are_those_of_the_core_that_is_installed(bare_environment, tmp_path):
    """mypy's stubtest compares each name, parameter and default with the core at run time."""
    pytest.importorskip("mypy", reason=REASON)
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("socketify.__all__\n")  # the core has none; here it says what is re-exported
    options = ["--ignore-missing-stub", "--concise", "--allowlist", allowed]
    command = (bare_environment.program("python"), "-m", "mypy.stubtest", "socketify", *options)
    run(*command, cwd=tmp_path, PYTHONPATH=sysconfig.get_path("purelib"))
