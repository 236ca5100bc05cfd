from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

# An app of the core keeps its seven files as long as the process lives, and tests make hundreds of them.
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, (hard := resource.getrlimit(resource.RLIMIT_NOFILE)[1])), hard))

ROOT = Path(__file__).parent.parent
SOURCES = {"socketify-ext": ROOT, "socketify-ext-cors": ROOT / "plugins" / "socketify-ext-cors"}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


class Environment:
    """A virtual environment of its own, which sees neither the source tree nor the caller's packages."""

    def __init__(self, folder):
        self.folder = folder.resolve()
        self.variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOCKETIFY_"))
        }
        run(sys.executable, "-m", "venv", "--without-pip", str(folder))

    def program(self, name):
        return str(self.folder / "bin" / name)

    def install(self, *wheels):
        run(*PIP, "--python", self.program("python"), "install", "--no-compile", *map(str, wheels))

    def run(self, name, *arguments):
        return run(self.program(name), *arguments, cwd=self.folder, env=self.variables)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """Build each distribution's wheel once; gives their paths by distribution."""
    built = {}
    for name, source in SOURCES.items():
        folder = tmp_path_factory.mktemp(name)
        run(*PIP, "wheel", str(source), "--no-deps", "--wheel-dir", str(folder))
        (built[name],) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def bare_environment(tmp_path_factory, wheels):
    """Install the package alone."""
    environment = Environment(tmp_path_factory.mktemp("environments") / "bare")
    environment.install(wheels["socketify-ext"])
    return environment


@pytest.fixture(scope="session")
def plugin_environment(tmp_path_factory, wheels):
    """Install the package and a plugin."""
    environment = Environment(tmp_path_factory.mktemp("environments") / "plugin")
    environment.install(*wheels.values())
    return environment
