"""docs/backplane.md shows what works."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import engines
import httpx2
import websockets

from socketify_ext.builtin.backplane import Options
from socketify_ext.builtin.backplane.memory import Memory
from socketify_ext.builtin.backplane.relay import Relay

PAGE = (Path(__file__).parents[2] / "docs" / "backplane.md").read_text()


@contextlib.contextmanager
def running(program, engine):
    """Run the page's program; gives its port once it serves."""
    port = engines.free_port()
    process = subprocess.Popen([sys.executable, program], env={**os.environ, "BROKER": engine.url, "PORT": str(port)})
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(httpx2.TransportError):
                assert httpx2.get(f"http://127.0.0.1:{port}/health").json() == {"connected": True, "dropped": 0}
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_example_tells_votes_to_listeners_at_another_process(tmp_path):
    program = tmp_path / "votes.py"
    program.write_text(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1])

    async def vote_and_listen(here, there):
        listener = websockets.connect(f"ws://127.0.0.1:{there}/results")
        async with listener as socket, httpx2.AsyncClient() as client:
            deadline = time.monotonic() + 20
            while True:  # until the broker knows of the listener
                assert (await client.post(f"http://127.0.0.1:{here}/vote/Ann")).text == "thanks"
                with contextlib.suppress(asyncio.TimeoutError):
                    return await asyncio.wait_for(socket.recv(), 0.5)
                assert time.monotonic() < deadline

    with engines.valkey() as engine, running(program, engine) as here, running(program, engine) as there:
        assert asyncio.run(vote_and_listen(here, there)) == '{"for":"Ann"}'


def rows(title):
    return re.findall(r"^\| `(\w+)` \|", PAGE.partition(f"\n## {title}")[2].partition("\n## ")[0], re.MULTILINE)


def test_the_page_names_every_option_and_counter():
    assert rows("Options") == list(Options.model_fields)
    relay = Relay(broker=None, max_messages=1, max_bytes=1, timeout=1)
    counters = rows("When the broker is away")
    assert len(counters) == 6
    for backplane in (relay, Memory()):
        assert all(hasattr(backplane, name) for name in counters)
