"""Servers are forked from one process, and are as those that start afresh."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

import socketify_ext
from socketify_ext.testing import fork_server, preload, serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each server starts afresh")


def make():
    """Make an app that tells of its process."""
    before = "socketify_ext.runtime.loop" in sys.modules  # it changes the apps of the core
    app = socketify_ext.App()

    def told(res, req):
        res.end(
            {
                "folder": str(Path.cwd()),
                "forked": "fork_server" in sys.orig_argv[2],
                "pid": os.getpid(),
                "runtime": before,
                "threads": threading.active_count(),
                "umbrella": os.environ.get("UMBRELLA"),
            }
        )

    app.get("/", told)
    app.get("/exit", lambda res, req: os._exit(9))
    return app


def ask(server):
    return httpx2.get(server.url, trust_env=False).json()


def test_a_forked_server_is_as_one_that_starts_afresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serve(make) as forked, serve(make, environment={"UMBRELLA": "red"}) as fresh:
        one, other = ask(forked), ask(fresh)
    same = {"folder": str(tmp_path), "runtime": False, "threads": 1}
    assert one == {**same, "forked": True, "pid": forked.process.pid, "umbrella": None}
    assert other == {**same, "forked": False, "pid": fresh.process.pid, "umbrella": "red"}


def test_a_variable_that_was_set_since_starts_it_afresh(monkeypatch):
    monkeypatch.setenv("UMBRELLA", "blue")
    with serve(make) as server:
        assert ask(server)["umbrella"] == "blue"


def test_its_end_is_told():
    with serve(make) as first, serve(make) as second, serve(make) as third, serve(make) as fourth:
        assert [each.process.poll() for each in (first, second, third, fourth)] == [None] * 4
        with pytest.raises(subprocess.TimeoutExpired):
            first.process.wait(0.001)
        assert first.stop() == 0
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(second.url + "/exit", trust_env=False)
        assert second.process.wait(20) == 9
        third.process.kill()
        assert third.process.wait(20) == -signal.SIGKILL
        fourth.process.send_signal(signal.SIGINT)
        assert fourth.process.wait(20) == 0
        for each in (first, second, third, fourth):
            each.process.kill()  # which does nothing now
            assert each.process.wait() == each.process.poll()
            assert not each.alive


def test_a_fork_server_that_was_killed_is_replaced():
    with serve(make) as before:
        killed = fork_server.fork_server()._process  # asked once: the next call may find it ended, and start another
        killed.kill()
        killed.wait()
        with serve(make) as after:
            assert ask(after)["forked"]
        assert ask(before)["forked"]


def test_modules_are_imported_before_the_fork(tmp_path, monkeypatch):
    module = tmp_path / "slow_to_import.py"
    module.write_text("import os\nprocess = os.getpid()\n")
    monkeypatch.setattr(fork_server, "_preloaded", [])
    monkeypatch.setattr(fork_server, "_running", {})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    preload("slow_to_import", "no_such_module")

    def importing():
        import slow_to_import

        app = socketify_ext.App()
        app.get("/", lambda res, req: res.end(slow_to_import.process == os.getpid()))
        return app

    for _ in range(2):
        with serve(importing) as server:
            assert ask(server) is False
    preload("colorsys")
    with serve(importing) as server:
        assert ask(server) is False
    fork_server.fork_server().close()
