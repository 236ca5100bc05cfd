"""Serve an app in a process of its own, for tests that talk to it over real sockets."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class Serving:
    """A server process: `port`, `url` and `ws_url` to reach it, `log` for what it has written."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}"
        self._output = output

    @property
    def log(self) -> str:
        """Give what the process has written to its standard output and error so far."""
        return self._output.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self.process.poll() is None

    def stop(self, number: int = signal.SIGTERM, timeout: float = 15.0) -> int:
        """Send a signal and wait for the end.

        Returns:
            The exit code, negative for a signal that killed it.
        """
        if self.alive:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@contextlib.contextmanager
def serve(
    factory: Callable[..., Any],
    /,
    *,
    environment: dict[str, str] | None = None,
    python: str = sys.executable,
    timeout: float = 30.0,
    **arguments: Any,
) -> Iterator[Serving]:
    """Serve the app that `factory(**arguments)` makes, in a child process on a free loopback port.

    Args:
        factory: a function at the top level of an importable file; it gives an app that does not listen yet.
        environment: variables added to the process's own.
        python: the interpreter that runs it, for one with other distributions installed.
        timeout: seconds until the server must listen.
        arguments: passed to the factory; what JSON can carry.

    Raises:
        RuntimeError: the process ended, or did not listen in time; the text holds what it has written.
    """
    target = [sys.modules[factory.__module__].__file__ or "", factory.__qualname__, json.dumps(arguments)]
    with tempfile.TemporaryDirectory(prefix="socketify-ext-") as folder:
        output = Path(folder, "output.txt")
        reader, writer = os.pipe()
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [python, "-m", __name__, str(writer), *target],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                pass_fds=[writer],
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            )
        os.close(writer)
        try:
            ready, _, _ = select.select([reader], [], [], timeout)
            port = os.read(reader, 16) if ready else b""
            if not port:
                process.kill()
                process.wait()
                raise RuntimeError(f"{factory.__qualname__} did not listen; it wrote:\n{output.read_text()}")
            serving = Serving(process, int(port), output)
            yield serving
        finally:
            os.close(reader)
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _main(writer: int, file: str, qualname: str, arguments: str) -> None:
    """Run in the child: make the app, listen, tell the port, serve."""
    import logging

    logging.basicConfig(format="%(levelname)s:%(name)s:%(message)s")
    sys.path.insert(0, str(Path(file).parent))
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    app = getattr(module, qualname)(**json.loads(arguments))

    def tell(config: Any) -> None:
        os.write(writer, str(config.port).encode())
        os.close(writer)

    app.listen({"port": 0, "host": "127.0.0.1"}, tell)
    app.run()


if __name__ == "__main__":
    _main(int(sys.argv[1]), *sys.argv[2:5])
