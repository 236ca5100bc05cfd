"""Signals that come before the server serves: what has started is stopped all the same."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio
import socketify_ext

app = socketify_ext.App()


@app.on_startup
async def start():
    print("starting", flush=True)
    await asyncio.sleep({pause})
    print("started", flush=True)


@app.on_shutdown
def stop():
    print("stopped", flush=True)


app.listen({{"port": 0, "host": "127.0.0.1"}}, lambda config: print("listening", flush=True))
app.run()
"""


def start(pause):
    command = [sys.executable, "-c", PROGRAM.format(pause=pause)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "starting\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_start_up_shuts_down_in_order(number):
    process = start(0.2)
    process.send_signal(number)
    output, _ = process.communicate(timeout=15)
    assert output.split() == ["started", "listening", "stopped"]
    assert process.returncode == 0


def test_a_second_signal_ends_a_start_up_that_hangs():
    process = start(3600)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 1
