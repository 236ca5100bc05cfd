"""A campaign: how long it goes on, from which seed, what it found before, and the server's health after each input.

`FUZZ_SECONDS` says how long all campaigns take together, and `FUZZ_SEED` which inputs they try; without the former
there are few inputs, the same each time.
"""

import contextlib
import json
import os
import random
import socket
import time
from hashlib import sha256
from itertools import count
from pathlib import Path

import wire

from socketify_ext.testing import serve

CORPUS = Path(__file__).parent / "corpus"
SECONDS = float(os.environ.get("FUZZ_SECONDS") or 0)
SEED = int(os.environ.get("FUZZ_SEED") or (random.randrange(2**32) if SECONDS else 0))


@contextlib.contextmanager
def running(factory):
    """Serve an app, which must live to the end."""
    with serve(factory) as serving:
        yield serving
        assert serving.alive, f"the server ended with {serving.process.poll()}: {serving.log[-4000:]}"


def inputs(make, share, number):
    """Make inputs, each from a random source of its own: for this share of the seconds, else this number of them."""
    print(f"FUZZ_SEED={SEED}")
    end = time.monotonic() + SECONDS * share
    for index in count():
        if time.monotonic() > end if SECONDS else index >= number:
            print(f"{index} inputs")
            return
        yield make(random.Random(f"{SEED}-{index}"))


def corpus(kind):
    return [file.read_bytes() for file in sorted(CORPUS.glob(f"{kind}-*.bin"))]


def keep(kind, data):
    """Put a find into the corpus, and return its file's name."""
    file = CORPUS / f"{kind}-{sha256(data).hexdigest()[:12]}.bin"
    file.write_bytes(data)
    return file.name


class Health:
    """The server seen from a client that does nothing wrong, and from its log."""

    def __init__(self, server):
        self.server = server
        self.read = 0
        self.number = 0
        self.canary = wire.Wire(server.port, 20)

    def ask(self):
        """Get the canary's own answer; one trip to the server and back."""
        self.number += 1
        token = f"canary-{self.number}"
        got = self.canary.ask("GET", "/echo", token=token)
        assert (got.status, got.json()) == ("200 OK", {"token": token, "seen": [token]}), got

    def new_log(self):
        with self.server._output.open("rb") as log:
            log.seek(self.read)
            new = log.read()
        self.read += len(new)
        return new.decode(errors="replace")

    def settle(self):
        """Forget what the log has to say of inputs before."""
        for _ in range(20):
            self.ask()
        self.new_log()

    def fault(self):
        """Return what is wrong with the server, an empty text where nothing is."""
        for _ in range(3):  # what an input has begun comes to its end
            try:
                self.ask()
            except (OSError, ValueError, AssertionError) as error:
                return f"the canary got {error!r}; the server's exit code is {self.server.process.poll()}"
        log = self.new_log()
        return log if "Traceback" in log or "never awaited" in log else ""


def exchange(health, parts, prelude=None):
    """Send an input in parts on a connection of its own, and return what comes back while it lasts."""
    with socket.create_connection(("127.0.0.1", health.server.port), 20) as client:
        got = b""
        try:
            if prelude:
                client.sendall(prelude)
                while b"\r\n\r\n" not in got:
                    got += client.recv(65536) or b"\r\n\r\n"
            for part in parts:
                client.sendall(part)
                health.ask()
            client.setblocking(False)
            while data := client.recv(1 << 20):
                got += data
        except (BlockingIOError, ConnectionError, TimeoutError):
            pass  # a reset is an answer too
        return got


def describe(kind, data, why):
    return json.dumps({"find": keep(kind, data), "bytes": repr(data[:2000]), "why": why[-4000:]}, indent=1)
