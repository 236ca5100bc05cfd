from __future__ import annotations

import fcntl
import functools
import importlib
import os
import resource
import shutil
import sys
from pathlib import Path

import httpcore2
import httpx2
import pytest
from environments import Environment, build_wheel
from hypothesis import HealthCheck, settings

from socketify_ext.testing import preload

# An app of the core keeps its seven files as long as the process lives, and tests make hundreds of them.
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, (hard := resource.getrlimit(resource.RLIMIT_NOFILE)[1])), hard))

# No test asserts a time: a loaded machine is slow, and nothing is wrong.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Each HTTP client loads the certificates of the system, which takes longer than most tests: they share them.
httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)

# What the modules of apps import: most lie in test modules.
preload(
    *("httpx2", "hypothesis", "jwt", "msgpack", "msgspec", "nats", "pydantic.main", "pydantic_settings", "pytest"),
    *("redis.asyncio", "sqlite3", "websockets.asyncio.client", "websockets.sync.client"),
)

ROOT = Path(__file__).parent.parent
SOURCES = {"socketify-ext": ROOT, "socketify-ext-cors": ROOT / "plugins" / "socketify-ext-cors"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Return one worker more than there are processors: tests wait for servers now and then."""
    return None if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """Return a function that makes a folder once in a test run: the first worker fills it, the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name, fill):
        folder, finished = shared / name, shared / f"{name}.finished"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not finished.exists():
                shutil.rmtree(folder, ignore_errors=True)  # left by a worker that failed
                fill(folder)
                finished.touch()
        return folder

    return make


@pytest.fixture
def script(monkeypatch):
    """Return a function that imports a script of `benchmarks/`; all of them are forgotten again."""
    folder = ROOT / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def state(server):
    """Return a function that waits until what the app has seen is as given."""
    httpx2.get(f"{server.url}/clear")

    def wait(is_so):
        with httpx2.Client() as client:
            while not is_so(seen := client.get(f"{server.url}/state").json()):
                pass
            return seen

    return wait


@pytest.fixture(scope="session")
def wheels(shared_folder):
    """Build each distribution's wheel; return their paths by distribution."""

    def build(folder):
        for name, source in SOURCES.items():
            (folder / name).mkdir(parents=True)
            build_wheel(source, folder / name)

    folder = shared_folder("wheels", build)
    return {name: next(folder.joinpath(name).glob("*.whl")) for name in SOURCES}


@pytest.fixture(scope="session")
def bare_environment(shared_folder, wheels):
    """Install the package alone."""
    return Environment(shared_folder("bare", lambda folder: Environment(folder).install(wheels["socketify-ext"])))


@pytest.fixture(scope="session")
def plugin_environment(shared_folder, wheels):
    """Install the package and a plugin."""
    return Environment(shared_folder("plugin", lambda folder: Environment(folder).install(*wheels.values())))
