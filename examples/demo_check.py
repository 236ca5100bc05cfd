"""Serve the demo, send real traffic through every built-in, print what comes back; exit 1 on a wrong answer."""

import asyncio
import datetime
import json
import sys

import demo
import httpx2
import msgpack
import websockets

import socketify_ext
from socketify_ext.testing import serve

failures = 0


def check(what, got, wanted):
    global failures  # noqa: PLW0603 - a script's counter
    right = wanted(got) if callable(wanted) else got == wanted
    failures += not right
    print(f"{'ok   ' if right else 'WRONG'} {what}: {got!r}")


def check_http(url):
    with httpx2.Client(base_url=url) as client:
        check("auth, no token", client.get("/user").json(), {"name": "Anonymous"})
        check("auth, wrong token", client.get("/user", headers={"token": "guess"}).json(), {"name": "Anonymous"})
        check("auth, token", client.get("/user", headers={"token": "secret"}).json(), {"name": "Test"})
        bearer = {"Authorization": "Bearer secret"}
        check("auth, bearer", client.get("/user", headers=bearer).json(), {"name": "Test"})
        answer = client.get("/now")
        check("msgpack, type", answer.headers["content-type"], "application/msgpack")
        now = msgpack.unpackb(answer.content, timestamp=3)["now"]
        check("msgpack, datetime", now, lambda got: isinstance(got, datetime.datetime) and got.tzinfo is not None)
        check("cart, first", client.get("/cart?item=book").json(), ["book"])
        check("cart, second", client.get("/cart?item=pen").json(), ["pen"])


async def check_pm(url):
    async with (
        websockets.connect(f"{url}/chat?name=Ann") as ann,
        websockets.connect(f"{url}/chat?name=Ben") as ben,
    ):
        await ann.send("Ben: hello")
        signal = json.loads(await asyncio.wait_for(ben.recv(), 5))
        check("pm, signal, id and at", [signal.pop("id"), signal.pop("at")], all)
        check("pm, signal", signal, {"type": "pm", "username": "Ann", "message": "hello"})
        await ben.send("Ann: hi")
        check("pm, room", await asyncio.wait_for(ann.recv(), 5), "hi")


if __name__ == "__main__":
    print(socketify_ext.inspect(demo.make()), end="\n\n")
    with serve(demo.make) as server:
        check_http(server.url)
        asyncio.run(check_pm(server.ws_url))
        check("shutdown, exit code", server.stop(), 0)
    print(f"\n{failures} wrong answers" if failures else "\nall answers right")
    sys.exit(bool(failures))
