"""What does it cost to serve a file, beside Starlette's StaticFiles under uvicorn and @fastify/static?

Files of three sizes from one folder, which the system has in memory, and the answer to a browser that has the file already.
"""

from __future__ import annotations

import http.client
import tempfile
from contextlib import ExitStack
from pathlib import Path

from peer_servers import commands
from question import FULL, Scale, interleave, main, median, rows, target
from serving import Server, app, start, wrk

SIZES = {"1 kB": 1_000, "100 kB": 100_000, "10 MB": 10_000_000}
CONNECTIONS = {"10 MB": 8}  # else 32
CACHED = "1 kB, 304"
BASELINE = "Starlette, uvicorn"


def answer(one: Server, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Send one GET; gives status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        got = connection.getresponse()
        return got.status, {name.lower(): value for name, value in got.headers.items()}, got.read()
    finally:
        connection.close()


def prepare(one: Server, folder: Path, scale: Scale) -> dict[str, str]:
    """Check that a server sends each file, and 304 to the headers that are given back; let it warm up.

    Raises:
        RuntimeError: it answers otherwise.
    """
    with one.running():
        for name in SIZES:
            status, headers, body = answer(one, f"/files/{name[:-3]}.bin", {})
            if status != 200 or body != (folder / f"{name[:-3]}.bin").read_bytes():
                raise RuntimeError(f"it answers {status} with {len(body)} bytes for {name}")
        _, headers, _ = answer(one, "/files/1.bin", {})
        has = {"If-Modified-Since": headers["last-modified"]}
        if "etag" in headers:
            has["If-None-Match"] = headers["etag"]
        status, _, body = answer(one, "/files/1.bin", has)
        if status != 304 or body:
            raise RuntimeError(f"it answers {status} for a copy that is current")
        wrk(one, "/files/1.bin", seconds=scale.seconds)
    return has


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn, with each file."""
    peers, left_out = commands("files")
    left_out["core"] = "the process ends when a client leaves in the middle of a file"
    found, targets = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, size in SIZES.items():
            (folder / f"{name[:-3]}.bin").write_bytes(bytes(range(250)) * (size // 250))
        served = {"ours": app("files", folder=str(folder))}
        for name, command in peers.items():
            served[name] = lambda port, command=command: [*command(port), str(folder)]
        servers: dict[str, tuple[Server, dict[str, str]]] = {}
        for name, command in served.items():
            try:
                one = start(command)
                stack.callback(one.stop)
                servers[name] = one, prepare(one, folder, scale)
            except RuntimeError as error:
                if name == "ours":
                    raise
                left_out[name] = str(error).strip().splitlines()[-1]
        baseline = BASELINE if BASELINE in servers else "ours"

        def load(one: Server, path: str, connections: int, headers: dict[str, str]) -> dict[str, float]:
            with one.running():
                return wrk(one, path, seconds=scale.seconds, connections=connections, headers=headers)

        for group in (*SIZES, CACHED):
            path = f"/files/{group.split()[0]}.bin"
            cases = {
                name: lambda one=one, has=has, group=group, path=path: load(
                    one, path, CONNECTIONS.get(group, 32), has if group == CACHED else {}
                )
                for name, (one, has) in servers.items()
            }
            taken = interleave(cases, scale.rounds, group)
            found += rows(taken, baseline, cost=False, group=f"{group}, requests/s")
            for name in peers:
                if name in taken:
                    pairs = zip(taken["ours"], taken[name], strict=True)
                    ratio = median([mine["cpu"] / theirs["cpu"] for mine, theirs in pairs])
                    targets.append(target(f"{group}: CPU of a request, to {name}", ratio, "<=", 1))
    return {"unit": "", "rows": found, "targets": targets, "left_out": left_out}


if __name__ == "__main__":
    main(measure)
