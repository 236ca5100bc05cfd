import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import builtin_apps
import httpx2
import msgpack
import pytest
import websockets

from socketify_ext.testing import serve

ROOT = Path(__file__).parents[2]
POOLS = [(), ("http",), ("ws",), ("http", "ws")]
# The core alone can't serve a WebSocket with only one of its pools on, whatever an extension does.
SETTINGS = [(kind, pools) for kind in ("app", "install") for pools in POOLS] + [
    ("stock", ()),
    ("stock", ("http", "ws")),
]


@pytest.mark.parametrize(("kind", "pools"), SETTINGS)
def test_seed_answers_in_every_setting(kind, pools):
    with serve(builtin_apps.seed, kind=kind, pools=pools) as server:
        with httpx2.Client(base_url=server.url) as client:
            assert client.get("/user", headers={"token": "x"}).json() == {"name": "Test"}
            assert client.get("/user").json() == {"name": "Anonymous"}
            answer = client.get("/now")
            assert answer.headers["content-type"] == "application/msgpack"
            assert msgpack.unpackb(answer.content) == {"now": "2026-01-02T03:04:05"}
            assert [client.get(f"/cart?item={item}").json() for item in "abc"] == [["a"], ["b"], ["c"]]

        async def chat():
            async with (
                websockets.connect(f"{server.ws_url}/chat?name=Ann") as ann,
                websockets.connect(f"{server.ws_url}/chat?name=Ben") as ben,
            ):
                await ann.send("Ben: hello")
                return json.loads(await asyncio.wait_for(ben.recv(), 5))

        frame = asyncio.run(chat())
        assert (frame["type"], frame["username"], frame["message"]) == ("pm", "Ann", "hello")


def test_demo_check_finds_every_answer_right():
    run = subprocess.run([sys.executable, ROOT / "examples/demo_check.py"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "all answers right" in run.stdout


def test_the_shop_serves_with_two_workers_on_one_port_and_stops_with_them():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shop = subprocess.Popen(
        [sys.executable, ROOT / "examples/shop_chat.py"],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with shop:
        listening = set()
        while len(listening) < 2:
            line = shop.stdout.readline()
            assert line, "the shop has ended"
            if line.startswith("worker "):
                listening.add(int(line.split()[1]))
        answered = set()
        for _ in range(200):  # the kernel spreads connections over the workers
            answered.add(httpx2.get(f"http://127.0.0.1:{port}/worker").json())
            if len(answered) == 2:
                break
        assert answered == listening
        shop.terminate()
        assert shop.wait(20) == 0
    for pid in listening:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def readme_example():
    return re.search(r"```python\n(import socketify_ext\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]


def readme_app():
    names = {"__name__": "readme"}
    exec(compile(readme_example(), "README.md", "exec"), names)  # noqa: S102 - the README's own example
    return names["app"]


def test_readme_example_answers():
    assert len(readme_example().strip().splitlines()) <= 20
    with serve(readme_app) as server:
        assert httpx2.get(f"{server.url}/me").status_code == 401
        assert httpx2.get(f"{server.url}/me", headers={"token": "secret"}).json() == {"you are": "Ann"}
        assert httpx2.get(f"{server.url}/_extensions").status_code == 200
