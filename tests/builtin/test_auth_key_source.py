"""Where key sets are read: one deadline and one size for all that an issuer, or a proxy in between, may send."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from issuer import EC, drip, issuer, jwk, key_set, raw_issuer

from socketify_ext.builtin.auth import key_source
from socketify_ext.builtin.auth.key_source import Budget

DOCUMENT = key_set(jwk(EC, kid="one"))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(DOCUMENT)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def silence(connection, stopped):
    stopped.wait(30)


def answer(data):
    return lambda connection, stopped: connection.sendall(data)


def test_a_set_is_fetched_from_a_url():
    with issuer() as published:
        assert key_source.read(published.url, 5) == published.document


@pytest.mark.parametrize(
    "send",
    [
        answer(HEAD + b"\r\n" + DOCUMENT),
        answer(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + HEAD + b"\r\n" + DOCUMENT),
        answer(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(DOCUMENT), DOCUMENT)),
        answer(b"HTTP/1.0 200 OK\r\n\r\n" + DOCUMENT),
    ],
)
def test_whatever_http_allows_is_read(send):
    with raw_issuer(send) as published:
        assert key_source.read(published.url, 5) == DOCUMENT


@pytest.mark.parametrize(
    "send",
    [
        silence,
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", b"\r\n\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"\r\n" + DOCUMENT),
        drip(HEAD, b"", b"\r\n" + DOCUMENT),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n", b" "),
        drip(CHUNKED, b"1\r\n \r\n", b"0\r\n\r\n"),
        drip(CHUNKED + b"0\r\n", b"A: b\r\n", b"\r\n"),
        drip(b"HTTP/1.1 404 Not Found\r\nX-Slow: ", b"a", b"\r\n\r\n"),
    ],
    ids=["silence", "head", "100s", "half a head", "body", "chunks", "trailers", "404"],
)
def test_one_deadline_ends_all_that_drips(send):
    with raw_issuer(send) as published:
        with pytest.raises(TimeoutError, match=r"more than 0\.3 seconds"):
            key_source.read(published.url, 0.3)
        assert published.asked == 1


def test_each_read_waits_only_for_what_is_left_of_the_whole():
    now = [100.0]
    budget = Budget(5, 10, lambda: now[0])
    assert budget.seconds() == 5
    now[0] += 4
    assert budget.seconds() == 1
    now[0] += 1
    with pytest.raises(TimeoutError, match="more than 5 seconds"):
        budget.seconds()


@pytest.mark.parametrize(
    "send",
    [
        lambda connection, stopped: [connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n") for _ in range(30_000)],
        answer(b"HTTP/1.0 200 OK\r\n\r\n" + b" " * (key_source.MAX_LENGTH + 1)),
        answer(CHUNKED + b"1\r\n \r\n" * 200_000),
    ],
    ids=["100s", "no length", "chunks"],
)
def test_what_comes_fast_and_without_end_is_too_long(send):
    with raw_issuer(send) as published, pytest.raises(OSError, match="longer than"):
        key_source.read(published.url, 20)


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [(404, {}, "answers 404"), (302, {"Location": "http://127.0.0.1:1/"}, "answers 302"), (500, {}, "answers 500")],
)
def test_an_issuer_that_answers_otherwise_is_not_followed(status, headers, message):
    with issuer() as published:
        published.status, published.headers = status, headers
        with pytest.raises(OSError, match=message):
            key_source.read(published.url, 5)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 100, b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"HTTP/1.1 x\r\n"],
)
def test_what_is_no_http_is_an_error(data):
    with raw_issuer(answer(data)) as published, pytest.raises(OSError, match=r"not HTTP|reset"):
        key_source.read(published.url, 5)


def test_a_document_that_is_too_long_is_refused(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(b" " * (key_source.MAX_LENGTH + 1))
    with pytest.raises(OSError, match="longer than"):
        key_source.read(path, 5)
    with issuer() as published:
        published.document = path.read_bytes()
        with pytest.raises(OSError, match="longer than"):
            key_source.read(published.url, 5)


def test_nothing_but_http_is_read():
    for url in ("file:///etc/hostname", "ftp://127.0.0.1/keys", "data://text/plain,{}"):
        with pytest.raises(OSError, match="unknown url type"):
            key_source.read(url, 1)


# -- proxies and TLS


def test_a_proxy_of_the_environment_is_asked(monkeypatch):
    with raw_issuer(answer(HEAD + b"\r\n" + DOCUMENT)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert key_source.read("http://issuer.example/keys", 5) == DOCUMENT


@pytest.mark.parametrize("send", [silence, drip(b"HTTP/1.0 200 Connected\r\nX-Slow: ", b"a", b"\r\n\r\n")])
def test_the_deadline_holds_for_a_proxy_and_its_tunnel(monkeypatch, send):
    with raw_issuer(send) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(TimeoutError, match="more than"):
            key_source.read("https://issuer.example/keys", 0.3)


def test_no_error_shows_the_password_of_a_proxy(monkeypatch):
    with raw_issuer(answer(b"HTTP/1.0 407 No\r\n\r\n")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//ann:s3cret@"))
        with pytest.raises(OSError, match="407") as caught:
            key_source.read("https://issuer.example/keys", 5)
    assert "s3cret" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the file of a certificate for 127.0.0.1 with its key, signed by nobody else."""
    now = datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(EC.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(EC, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "issuer.pem"
    key = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(signed.public_bytes(Encoding.PEM) + key)
    return path


def over_tls(certificate, send):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(connection, stopped):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            send(secure, stopped)

    return talk


def test_tls_is_checked_against_the_authorities_of_the_system(monkeypatch, certificate):
    with raw_issuer(over_tls(certificate, answer(HEAD + b"\r\n" + DOCUMENT)), reads=False) as published:
        url = published.url.replace("http:", "https:")
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            key_source.read(url, 5)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert key_source.read(url, 5) == DOCUMENT
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            key_source.read(url.replace("127.0.0.1", "localhost"), 5)


@pytest.mark.parametrize("send", [silence, drip(b"", b"\x16"), drip(b"\x16\x03\x03\x40\x00", b"\x00")])
def test_the_deadline_holds_for_the_handshake(send):
    with raw_issuer(send, reads=False) as published, pytest.raises(OSError) as caught:  # noqa: PT011 - any of its errors
        key_source.read(published.url.replace("http:", "https:"), 0.3)
    assert "more than" in str(caught.value) or "SSL" in str(caught.value)


def test_the_deadline_holds_for_what_drips_through_tls(monkeypatch, certificate):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send = over_tls(certificate, drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", b"\r\n\r\n"))
    with raw_issuer(send, reads=False) as published, pytest.raises(TimeoutError, match="more than"):
        key_source.read(published.url.replace("http:", "https:"), 0.3)
