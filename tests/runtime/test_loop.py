"""Several apps in a process: each is served, and the end of one is not that of another."""

import contextlib
import gc
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest
from websockets.sync.client import connect

import socketify_ext
from socketify_ext.testing import serve


def make(before):
    import gc
    import os

    import socketify

    import socketify_ext

    kept = []
    if before == "a stock app":
        kept.append(socketify.App())
    elif before == "a stock app that has gone":
        socketify.App()
        gc.collect()
    elif before == "a stock app between":
        socketify_ext.App()
        socketify.App()
        gc.collect()
    elif before == "another":
        kept.append(socketify_ext.App())
    elif before == "one that has gone":
        socketify_ext.App().get("/", lambda res, req: res.end("gone"))
        gc.collect()
    elif before == "one that has served":
        other = socketify_ext.App()
        other.listen({"port": 0, "host": "127.0.0.1"})
        other._server.loop.call_soon(other.close)
        other.run()
    elif before == "one that failed":
        try:
            socketify_ext.App(on_collision="never")
        except socketify_ext.ExtensionError:
            kept.append("failed")
    elif before == "one in another thread":
        thread = threading.Thread(target=lambda: kept.append(socketify_ext.App()))
        thread.start()
        thread.join()
    app = socketify_ext.App()

    async def late(res, req):
        res.end(await app.loop.loop.run_in_executor(None, os.getpid))

    app.get("/", lambda res, req: res.end(len(kept)))
    app.get("/late", late)
    return app


STOCK = ("a stock app", "a stock app that has gone", "a stock app between")
BEFORE = (
    *STOCK,
    "nothing",
    "another",
    "one that has gone",
    "one that has served",
    "one that failed",
    "one in another thread",
)


@pytest.mark.parametrize("before", BEFORE)
def test_an_app_is_served_whatever_app_was_before(before):
    with serve(make, before=before) as server:
        assert httpx2.get(server.url, timeout=10).status_code == 200
        assert httpx2.get(server.url + "/late", timeout=10).text == str(server.process.pid)


@pytest.mark.parametrize(
    ("order", "stock"),
    [
        ("import socketify, socketify_ext", "socketify.App()"),
        ("import socketify, socketify_ext", "socketify.App().register(socketify_ext.load('cart'))"),
        ("import socketify_ext, socketify", "socketify.App().register(socketify_ext.load('cart'))"),
    ],
)
def test_an_app_is_served_after_several_stock_apps_that_have_gone(order, stock):
    program = f"""
{order}
import gc, threading, urllib.request

for _ in range(4):
    {stock}
    gc.collect()
app, places = socketify_ext.App(), []
app.get("/", lambda res, req: res.end("here"))
app.listen({{"port": 0, "host": "127.0.0.1"}}, places.append)

def ask():
    print(urllib.request.urlopen(f"http://127.0.0.1:{{places[0].port}}/", timeout=10).read().decode())
    app.close()

threading.Thread(target=ask).start()
app.run()
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (0, "here\n"), run.stderr


def test_an_app_may_be_collected_while_cffi_reads_a_declaration():
    program = """
import gc
from socketify.native import ffi
import socketify
import socketify_ext

socketify_ext.App
for make in (socketify.App, socketify_ext.App):
    app = make()
    with ffi._lock:
        del app
        gc.collect()
print("collected")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "collected\n"


def test_apps_of_a_thread_share_one_native_loop():
    first, second = socketify_ext.App(), socketify_ext.App()
    assert first.loop.uv_loop is second.loop.uv_loop
    native = first.loop.get_native_loop()
    del first
    gc.collect()
    assert second.loop.get_native_loop() == native


def test_a_loop_of_another_thread_is_another():
    found = []
    thread = threading.Thread(target=lambda: found.append(socketify_ext.App().loop.uv_loop))
    thread.start()
    thread.join()
    assert found[0] is not socketify_ext.App().loop.uv_loop


PROCESSES = Path(__file__).parents[1] / "support" / "processes.py"


@contextlib.contextmanager
def processes(how):
    """Run tests/support/processes.py; give it and what its processes have printed, a list for each line."""
    program = subprocess.Popen([sys.executable, str(PROCESSES), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield program, lambda: program.stdout.readline().decode().strip().split(maxsplit=2)
    finally:
        program.stdin.close()
        program.stdout.close()
        assert program.wait(20) == 0


def check_served(pid, port):
    for _ in range(3):
        assert httpx2.get(f"http://127.0.0.1:{port}/", timeout=10).text == pid
        assert httpx2.get(f"http://127.0.0.1:{port}/late", timeout=10).text == pid


@pytest.mark.parametrize("how", ["made in each", "made before", "another before", "made in a loop that ran before"])
def test_an_app_of_a_forked_process_serves_or_says_why_not(how):
    with processes(how) as (_, read):
        served = [read() for _ in range(2)]
        assert len({pid for _, pid, _ in served}) == 2
        for _ in range(2):
            for _, pid, port in served:
                check_served(pid, port)


@pytest.mark.parametrize("how", ["runs after the fork", "makes another after the fork", "listens after the fork"])
def test_a_process_that_a_server_has_forked_is_told_to_fork_before(how):
    with processes(how) as (_, read):
        parent, child = sorted([read(), read()])[::-1]
        assert child[0] == "error"
        assert "EXT402" in child[2]
        check_served(parent[1], parent[2])


def test_a_process_that_a_server_has_forked_may_close_what_came_along():
    with processes("closes after the fork") as (_, read):
        parent, child = sorted([read(), read()])[::-1]
        assert child[0] == "closed"
        check_served(parent[1], parent[2])


def test_an_app_serves_in_another_thread():
    with processes("runs in a thread") as (_, read):
        _, pid, port = read()
        check_served(pid, port)
        with connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as client:
            assert httpx2.get(f"http://127.0.0.1:{port}/publish", timeout=10).text == "True"
            assert client.recv(10) == "news"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("makes one more beside a thread that runs", "another thread runs the app that was made here before"),
        ("runs in a thread with an app", "this one has made an app of its own"),
        ("listens here and runs in a thread", "Call listen() and run() in one thread"),
    ],
)
def test_an_app_that_can_not_serve_in_a_thread_says_why(how, why):
    with processes(how) as (_, read):
        said = [read(), read()] if how.startswith("makes") else [read()]
        [error] = [line for line in said if line[0] == "error"]
        assert "EXT402" in error[2]
        assert why in error[2]
        for word, pid, port in said:
            if word == "listens":
                check_served(pid, port)
