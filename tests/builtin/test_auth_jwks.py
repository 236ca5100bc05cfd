"""Key sets: read in a thread, cached, rotated by kid, and never a way to hammer the issuer."""

import asyncio
import subprocess
import sys
import threading

import pytest
from issuer import EC, EC384, ED, RSA, WEAK_RSA, jwk, key_set
from jwt.algorithms import RSAAlgorithm

from socketify_ext.builtin.auth.jwks import STALE, Jwks, KeysUnavailableError, parse

ALGORITHMS = ("RS256", "ES256")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Document:
    """A document, how often it was read and on which threads; a gate holds reads back."""

    def __init__(self, *keys):
        self.keys, self.reads, self.threads = keys, 0, set()
        self.open = threading.Event()
        self.open.set()
        self.left = threading.Semaphore(0)

    def __call__(self):
        self.reads += 1
        self.threads.add(threading.get_ident())
        try:
            assert self.open.wait(20)
            if self.keys is None:
                raise OSError("away")
            return key_set(*self.keys)
        finally:
            self.left.release()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def document():
    return Document(jwk(RSA, kid="one"))


@pytest.fixture
def keys(document, clock):
    return Jwks(document, ALGORITHMS, max_age=600, cooldown=30, timeout=5, clock=clock)


def test_a_key_serves_the_algorithms_that_it_fits():
    found = parse(
        key_set(
            jwk(RSA, kid="rsa"),
            jwk(EC, kid="p-256"),
            jwk(EC384, kid="p-384"),
            jwk(ED, kid="ed"),
            {"kty": "oct", "k": "A" * 60, "kid": "secret"},
        ),
        ("RS256", "PS512", "ES256", "ES384", "EdDSA", "HS256"),
    )
    assert {key for key in found if key[0] is not None} == {
        ("rsa", "RS256"),
        ("rsa", "PS512"),
        ("p-256", "ES256"),
        ("p-384", "ES384"),
        ("ed", "EdDSA"),
        ("secret", "HS256"),
    }


@pytest.mark.parametrize(
    "entry",
    [
        jwk(RSA, kid="one", alg="RS512"),
        jwk(RSA, kid="one", use="enc"),
        jwk(RSA, kid="one", key_ops=["sign"]),
        jwk(RSA, kid="one", key_ops=5),
        jwk(WEAK_RSA, kid="one"),
        jwk(EC, kid="one"),
        {"kty": "RSA", "kid": "one"},
        {"kty": "RSA", "kid": "one", "n": 5, "e": 6},
        {"kid": "one"},
        {"kty": "oct", "k": jwk(RSA)["n"], "kid": "one"},
        "one",
        None,
    ],
)
def test_a_key_that_does_not_fit_is_left_out(entry):
    assert set(parse(key_set(entry, jwk(RSA, kid="good")), ["RS256"])) == {("good", "RS256"), (None, "RS256")}
    with pytest.raises(ValueError, match="no key for RS256"):
        parse(key_set(entry), ["RS256"])


def test_a_private_key_in_a_set_serves_as_the_public_one():
    private = RSAAlgorithm.to_jwk(RSA, as_dict=True) | {"key_ops": ["sign", "verify"]}
    assert "d" in private
    key = parse(key_set(private), ["RS256"])[None, "RS256"]
    assert not hasattr(key.key, "sign")


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": 5}', b'{"keys": {"a": 1}}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(ValueError, match=r"not a JSON Web Key Set|no key for"):
        parse(document, ["RS256"])


def test_without_a_kid_only_a_single_key_counts():
    assert (None, "RS256") in parse(key_set(jwk(RSA, kid="one")), ["RS256"])
    assert (None, "RS256") not in parse(key_set(jwk(RSA, kid="one"), jwk(RSA, kid="two")), ["RS256"])


def test_a_key_is_read_once_on_another_thread(keys, document):
    async def ask():
        assert keys.known("one", "RS256") is None
        found = await asyncio.gather(*(keys.find("one", "RS256") for _ in range(50)))
        assert len({id(key) for key in found}) == 1
        assert keys.known("one", "RS256") is found[0]

    asyncio.run(ask())
    assert document.reads == 1
    assert document.threads.isdisjoint({threading.get_ident()})


def test_the_loop_goes_on_while_keys_are_read(keys, document):
    async def ask():
        document.open.clear()
        asked = asyncio.ensure_future(keys.find("one", "RS256"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not asked.done()
        document.open.set()
        assert await asked is not None

    asyncio.run(ask())


def test_a_rotated_key_is_found_by_its_kid(keys, document, clock):
    async def ask():
        await keys.find("one", "RS256")
        document.keys = (jwk(EC, kid="two"),)
        clock.now += 30
        assert await keys.find("two", "ES256") is not None
        assert await keys.find("one", "RS256") is None

    asyncio.run(ask())
    assert document.reads == 2


def test_unknown_kids_do_not_hammer_the_issuer(keys, document, clock):
    async def ask():
        for number in range(1000):
            assert await keys.find(f"unknown-{number}", "RS256") is None
        assert document.reads == 1
        clock.now += 30
        assert await asyncio.gather(*(keys.find(f"more-{number}", "RS256") for number in range(100))) == [None] * 100
        assert document.reads == 2

    asyncio.run(ask())


def test_keys_that_have_aged_serve_at_once_while_they_are_read_anew(keys, document, clock):
    async def ask():
        old = await keys.find("one", "RS256")
        document.keys = (jwk(EC, kid="two"),)
        document.open.clear()
        clock.now += 601
        for _ in range(100):
            assert keys.known("one", "RS256") is old
        assert (document.reads, keys.known("two", "ES256")) == (2, None)
        document.open.set()
        assert await keys.find("two", "ES256") is not None
        assert keys.known("one", "RS256") is None

    asyncio.run(ask())
    assert document.reads == 2


def test_an_unknown_kid_holds_up_nobody_whose_key_is_known(keys, document, clock):
    async def ask():
        old = await keys.find("one", "RS256")
        clock.now += 601
        document.open.clear()
        unknown = [asyncio.ensure_future(keys.find(f"unknown-{number}", "RS256")) for number in range(100)]
        await asyncio.sleep(0)
        assert keys.known("one", "RS256") is old
        assert not any(task.done() for task in unknown)
        document.open.set()
        assert await asyncio.gather(*unknown) == [None] * 100

    asyncio.run(ask())
    assert document.reads == 2


def test_known_keys_outlive_an_issuer_that_is_away_for_an_hour(keys, document, clock, caplog):
    async def ask():
        await keys.find("one", "RS256")
        document.keys = None
        clock.now += 600 + STALE
        assert await keys.find("one", "RS256") is not None
        for _ in range(100):
            assert await keys.find("one", "RS256") is not None
        assert document.reads == 2
        clock.now += 1
        with pytest.raises(KeysUnavailableError):
            await keys.find("one", "RS256")

    asyncio.run(ask())
    assert [record.getMessage() for record in caplog.records] == ["auth: the key set can't be read: away"]


def test_without_any_key_nobody_is_known(keys, document):
    async def ask():
        document.keys = None
        for _ in range(3):
            with pytest.raises(KeysUnavailableError):
                await keys.find("one", "RS256")

    asyncio.run(ask())
    assert document.reads == 1


def test_nobody_waits_longer_than_the_limit_and_only_one_read_hangs(document, clock):
    keys = Jwks(document, ALGORITHMS, cooldown=0, timeout=0.02, clock=clock)

    async def ask():
        document.open.clear()
        for _ in range(5):
            with pytest.raises(KeysUnavailableError):
                await keys.find("one", "RS256")
        assert document.reads == 1
        document.open.set()
        assert await asyncio.to_thread(document.left.acquire, timeout=20)

    asyncio.run(ask())
    asyncio.run(find(keys, "one"))
    assert document.reads == 2


async def find(keys, kid):
    assert await keys.find(kid, "RS256") is not None


def test_a_loop_that_ends_during_a_read_leaves_the_next_one_free(document, clock):
    keys = Jwks(document, ALGORITHMS, cooldown=0, clock=clock)

    async def leave():
        document.open.clear()
        asked = asyncio.ensure_future(keys.find("one", "RS256"))
        await asyncio.sleep(0)
        asked.cancel()

    asyncio.run(leave())
    document.open.set()
    assert document.left.acquire(timeout=20)
    asyncio.run(find(keys, "one"))
    assert document.reads == 2


def test_a_read_that_breaks_in_any_way_is_an_issuer_that_is_away(clock, caplog):
    def broken():
        raise RecursionError("too deep\x1b[2J\n")

    keys = Jwks(broken, ALGORITHMS, clock=clock)
    with pytest.raises(KeysUnavailableError):
        asyncio.run(find(keys, "one"))
    assert [record.getMessage() for record in caplog.records] == ["auth: the key set can't be read: too deep [2J "]


def test_where_no_thread_can_start_the_keys_are_unavailable(keys, monkeypatch, caplog):
    def start(thread):
        raise RuntimeError("can't start new thread")

    async def ask():
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            with pytest.raises(KeysUnavailableError):
                await keys.find("one", "RS256")

    asyncio.run(ask())
    assert "can't start new thread" in caplog.text


def test_nothing_waits_at_the_end_of_a_process_for_a_read_that_hangs():
    program = """
import asyncio, threading
from socketify_ext.builtin.auth.jwks import Jwks, KeysUnavailableError
began = threading.Event()
def hang():
    began.set()
    threading.Event().wait()
async def ask():
    asyncio.ensure_future(Jwks(hang, ["RS256"]).find("one", "RS256"))
    await asyncio.to_thread(began.wait)
asyncio.run(ask())
print("over")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "over\n", "")


def test_one_who_gives_up_waiting_takes_nobody_with_them(keys, document):
    async def ask():
        document.open.clear()
        first = asyncio.ensure_future(keys.find("one", "RS256"))
        second = asyncio.ensure_future(keys.find("one", "RS256"))
        await asyncio.sleep(0)
        first.cancel()
        document.open.set()
        assert await second is not None

    asyncio.run(ask())
    assert document.reads == 1
