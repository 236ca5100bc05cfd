"""Every member in every place: app kinds x pool settings x handler styles x targets and WebSocket events.

The cases are made from the tables below. What the core makes impossible on a stock app stands in `IMPOSSIBLE`.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import conformance_app
import httpx2
import pytest
from conformance_app import EVENTS, MEMBERS, METHODS, POOLS, STYLES
from websockets.sync.client import ClientConnection, connect
from wire import wire

from socketify_ext.testing import Serving, serve

KINDS = ("stock", "app", "cli")
LATE = ("async", "late")

# (row of the hazards, pool settings, events, styles) that the core makes impossible on a stock app
IMPOSSIBLE: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    ("H04", ("http",), EVENTS[1:], STYLES),
    ("H05", ("none", "ws", "both"), ("drain",), STYLES),
    ("H05", ("none",), ("subscription",), STYLES),
    ("H06", ("both",), ("message",), LATE),
    ("H22", ("http", "both"), ("upgrade",), LATE),
)

# event -> what makes it happen, and the arguments that its handler must get besides the socket
Trigger = Callable[[ClientConnection, float], Any]
EXPECTED: dict[str, tuple[Trigger, Callable[[str], list[Any]]]] = {
    "upgrade": (lambda socket, patience: None, lambda session: []),
    "open": (lambda socket, patience: None, lambda session: []),
    "message": (lambda socket, patience: socket.send("hello"), lambda session: ["hello", 1]),
    "drain": (lambda socket, patience: fill(socket, patience), lambda session: []),
    "ping": (lambda socket, patience: socket.ping("beep"), lambda session: ["beep"]),
    "pong": (lambda socket, patience: socket.pong("boop"), lambda session: ["boop"]),
    "close": (lambda socket, patience: socket.close(4000, "bye"), lambda session: [4000, "bye"]),
    "subscription": (lambda socket, patience: None, lambda session: [session, 1, 0]),
}

CLASSES = {"request": "Request", "response": "Response", "ws": "WebSocket"}
STOCK_CLASSES = {"request": "Request", "response": "StockResponse", "ws": "WebSocket"}

http = httpx2.Client(trust_env=False, verify=False)


@pytest.fixture(scope="module", autouse=True)
def close_client() -> Iterator[None]:
    """Close the connections that the client keeps."""
    yield
    http.close()


@contextlib.contextmanager
def serve_by_command_line(pools: str) -> Iterator[Serving]:
    """Serve `conformance_app:run` with the core's own command line."""
    request_items, socket_items = POOLS[pools]
    flags = ["--req-res-factory-maxitems", str(request_items), "--ws-factory-maxitems", str(socket_items)]
    command = [sys.executable, "-u", "-m", "socketify", "conformance_app:run", "--port", "0", *flags]
    with (
        tempfile.NamedTemporaryFile() as output,
        subprocess.Popen(
            command,
            cwd=Path(__file__).parents[1] / "support",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        try:
            assert line.startswith("Listening on http://127.0.0.1:"), line
            yield Serving(process, int(line.split(":")[-1].split()[0]), Path(output.name))
        finally:
            process.terminate()
            code = process.wait(10)
        assert code == 0


@pytest.fixture(scope="module", params=itertools.product(KINDS, POOLS), ids="-".join)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, Serving]]:
    """Return a kind, a pool setting, and the server that has both."""
    kind, pools = request.param
    with serve_by_command_line(pools) if kind == "cli" else serve(conformance_app.make, kind=kind, pools=pools) as it:
        yield kind, pools, it
        assert it.alive or kind == "stock"  # after H22, a stock app may not be


def fill(socket: ClientConnection, patience: float) -> None:
    """Let the server write more than the socket takes, then take it all."""
    socket.send("fill")
    while socket.recv(timeout=patience) != "full":
        pass


def impossible(kind: str, pools: str, event: str, style: str) -> str | None:
    """Find the row that makes an event impossible."""
    for row, all_pools, events, styles in IMPOSSIBLE:
        if kind == "stock" and pools in all_pools and event in events and style in styles:
            return row
    return None


def values(kind: str, target: str) -> dict[str, Any]:
    """Return what each member must give."""
    name = (STOCK_CLASSES if kind == "stock" else CLASSES)[target]
    members = {"method": f"HEY {name}", "coroutine": "(hey)", "property": "calm", "fresh": [None]}
    return {**members, "override": "nowhere"}


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("target", ["request", "response"])
@pytest.mark.parametrize("style", STYLES)
def test_member(server: tuple[str, str, Serving], style: str, target: str, member: str) -> None:
    kind, _, serving = server
    for _ in range(2 if member == "fresh" else 1):
        answer = http.get(f"{serving.url}/{style}/{target}/{member}")
        assert (answer.status_code, answer.json()) == (200, {"value": values(kind, target)[member]})


@pytest.mark.parametrize("method", METHODS)
def test_route_method(server: tuple[str, str, Serving], method: str) -> None:
    kind, _, serving = server
    verb = "POST" if method == "any" else method.upper()
    with wire(serving.port) as client:
        for _ in range(2):
            answer = client.ask(verb, f"/method/{method}")
            assert answer.status == "200 OK"
            assert dict(answer.headers)["x-route"] == f"{method} {verb} {values(kind, 'request')['method']}"
            assert answer.body.decode() == ("" if method == "head" else values(kind, "response")["method"])
        assert dict(client.ask(verb, "/any").headers)["x-route"].startswith(f"any {verb} ")
        assert client.rest == b""


# On a stock app errors are the core's to answer.
@pytest.mark.parametrize("server", list(itertools.product(("app", "cli"), POOLS)), ids="-".join, indirect=True)
@pytest.mark.parametrize("style", STYLES)
def test_http_error(server: tuple[str, str, Serving], style: str) -> None:
    _, _, serving = server
    expected: dict[str, tuple[int, Any]] = {
        "member": (403, {"detail": {"reason": "no"}}),
        "own": (404, {"detail": "nothing here"}),
        "phrase": (409, {"detail": "Conflict"}),
        "rare": (499, {"detail": "left"}),
        "surrogate": (400, {"detail": "\ud800"}),
    }
    with wire(serving.port) as client:
        for name, (status, body) in expected.items():
            answer = client.ask("GET", f"/error/{style}/{name}")
            assert (int(answer.status.split()[0]), answer.json()) == (status, body)
            assert dict(answer.headers)["content-type"] == "application/json"
        assert dict(client.ask("GET", f"/error/{style}/member").headers)["x-reason"] == "no"
        packed = client.ask("GET", f"/error/{style}/own", accept="application/msgpack")
        assert dict(packed.headers)["content-type"] == "application/msgpack"
        assert packed.body == b"\x81\xa6detail\xacnothing here"
        for name in ("split", "unserialisable", "other"):
            answer = client.ask("GET", f"/error/{style}/{name}")
            assert (answer.status, answer.body) == ("500 Internal Server Error", b"Internal Server Error")
        answer = client.ask("GET", f"/error/{style}/surrogate", accept="application/msgpack")
        assert (answer.status, answer.body) == ("500 Internal Server Error", b"Internal Server Error")
        assert client.rest == b""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("event", [*EVENTS[1:], EVENTS[0]])  # an upgrade that fails may take the server along
def test_event(server: tuple[str, str, Serving], request: pytest.FixtureRequest, style: str, event: str) -> None:
    kind, pools, serving = server
    row = impossible(kind, pools, event, style)
    if row is not None:
        request.applymarker(pytest.mark.xfail(strict=True, reason=f"{row} on a stock app"))
    session = uuid.uuid4().hex
    trigger, arguments = EXPECTED[event]
    path = "upgrade" if event == "upgrade" else "ws"
    already = len(serving.log)
    patience = 10 if row is None else 0.1
    with connect(
        f"{serving.ws_url}/{path}/{style}",
        additional_headers={"session": session},
        proxy=None,
        compression=None,
        max_size=None,
        close_timeout=patience,
    ) as socket:
        trigger(socket, patience)
        answer = http.get(f"{serving.url}/happened/{session}/{event}", timeout=patience)
    happened = answer.json()
    if event == "upgrade":
        assert "Traceback" not in serving.log[already:]
    assert happened["arguments"] == arguments(session)
    targets = ("request", "response") if event == "upgrade" else ("ws",)
    expected = [values(kind, target)[name] for target in targets for name in ("method", "property", "fresh")]
    assert [[None] if isinstance(value, list) else value for value in happened["members"]] == expected
