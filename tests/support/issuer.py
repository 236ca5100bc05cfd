"""An issuer of tokens for tests: its keys, and a server that publishes them."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it must be refused
EC = ec.generate_private_key(ec.SECP256R1())
EC384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def claims(**changed):
    """Return the claims of a good token; None leaves one out."""
    now = int(time.time())
    given = {"sub": "7", "name": "Ann", "iat": now, "exp": now + 3600} | changed
    return {name: value for name, value in given.items() if value is not None}


def sign(key, algorithm, headers=None, **changed):
    return jwt.encode(claims(**changed), key, algorithm, headers)


def jwk(key, **entries):
    """Return the public JSON Web Key of a key."""
    kind = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((value for each, value in kind.items() if isinstance(key, each)), OKPAlgorithm)
    return algorithm.to_jwk(key.public_key(), as_dict=True) | entries


def key_set(*keys):
    return json.dumps({"keys": list(keys)}).encode()


class Issuer:
    """What the server publishes, how often it was asked, and a gate that holds its answers back."""

    def __init__(self):
        self.document = key_set(jwk(RSA, kid="one"))
        self.status = 200
        self.headers = {}
        self.asked = 0
        self.open = threading.Event()
        self.open.set()


@contextlib.contextmanager
def issuer():
    """Publish keys on a free loopback port."""
    state = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked += 1
            state.open.wait(20)
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(state.document)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/keys"
    try:
        yield state
    finally:
        state.open.set()
        server.shutdown()
        thread.join()
        server.server_close()


class RawIssuer:
    """An issuer that sends to each connection what it likes: `send(connection, stopped)` of raw bytes."""

    def __init__(self, send, reads):
        self.send, self.reads, self.asked, self.stopped = send, reads, 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/keys"

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, contextlib.suppress(OSError):
            if self.reads:
                connection.recv(4096)
            self.send(connection, self.stopped)


@contextlib.contextmanager
def raw_issuer(send, reads=True):
    """Serve what `send` gives on a free loopback port, once a request is there or, without `reads`, at once."""
    state = RawIssuer(send, reads)
    thread = threading.Thread(target=state.serve)
    thread.start()
    try:
        yield state
    finally:
        state.stopped.set()
        state.listener.shutdown(socket.SHUT_RDWR)
        state.listener.close()
        thread.join()


def drip(first, piece, last=b""):
    """Send `first`, then a piece each hundredth of a second until the other end has had enough."""

    def send(connection, stopped):
        connection.sendall(first)
        for _ in range(3000):
            if stopped.wait(0.01):
                return
            connection.sendall(piece)
        connection.sendall(last)

    return send
