"""A client of `pm_apps.chat`."""

import asyncio
import contextlib
import json

import websockets

TIMEOUT = 20


class Client:
    """One socket of a user."""

    def __init__(self, socket, name):
        self.socket = socket
        self.name = name

    async def ask(self, do, **values):
        await self.socket.send(json.dumps({"do": do, **values}))

    async def send(self, to, message, **values):
        await self.ask("send", to=to, message=message, **values)

    async def frame(self, timeout=TIMEOUT):
        return json.loads(await asyncio.wait_for(self.socket.recv(), timeout))

    async def frames(self, kind):
        """Return the next frame of a type, after any others."""
        while (frame := await self.frame())["type"] != kind:
            pass
        return frame

    async def pm(self):
        return await self.frames("pm")

    async def receipt(self):
        return await self.frames("pm-receipt")

    async def nothing_came(self, kind="pm"):
        """Check that no frame of a type comes before the answer to a question that is sent now."""
        await self.ask("ack", id="none")
        while (frame := await self.frame())["type"] != "acked":
            assert frame["type"] != kind, frame


@contextlib.asynccontextmanager
async def user(server, name, joins=True):
    headers = {"name": json.dumps(name)}
    options = {"additional_headers": headers, "max_size": None, "max_queue": None}
    async with websockets.connect(f"{server.ws_url}/chat", **options) as socket:
        client = Client(socket, name)
        if joins:
            client.waited = []
            while (frame := await client.frame())["type"] != "joined":
                client.waited.append(frame)
        yield client
