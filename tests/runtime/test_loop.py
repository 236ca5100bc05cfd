"""Several apps in a process: each is served, and the end of one is not that of another."""

import gc
import subprocess
import sys
import threading

import httpx2
import pytest

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
