"""benchmarks/peer_servers.py leaves out a peer that does not answer as all others do, with its reason."""

import sys
from contextlib import ExitStack

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its servers are measured by /proc")

ANSWERS = """
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"name": "Test" if self.headers["token"] else "Anonymous"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", sys.argv[2])
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
FAILS = "raise ImportError('version GLIBC_9 not found')"


def command(program, kind="application/json"):
    return lambda port: [sys.executable, "-c", program, str(port), kind]


def test_only_peers_that_answer_as_all_others_are_measured(script, monkeypatch):
    peers = script("peer_servers")
    installed = {
        "good": command(ANSWERS),
        "plain": command(ANSWERS, "text/plain"),
        "broken": command(FAILS),
        "unwanted": command(FAILS),
    }
    monkeypatch.setattr(peers, "commands", lambda kind: (installed, {"absent": "not installed", "other": "no npm"}))
    with ExitStack() as stack:
        servers, left_out = peers.started(stack, only={"good", "plain", "broken", "absent"})
        assert list(servers) == ["good"]
    assert "text/plain" in left_out.pop("plain")
    assert left_out == {"absent": "not installed", "broken": "ImportError: version GLIBC_9 not found"}
    assert servers["good"].process.poll() is not None


def test_every_peer_has_a_label_and_a_program(script):
    peers = script("peer_servers")
    for name in {**peers.PYTHON_PEERS, **peers.NODE_PEERS}:
        assert peers.LABELS[name]
        assert list(peers.PEERS.glob(f"{name}_*"))
