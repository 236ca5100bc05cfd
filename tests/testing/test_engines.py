"""The engines that other tests run on."""

import socket

import engines
import pytest
import redis


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("engine", [engines.valkey, engines.nats])
def test_an_engine_comes_back_on_its_port(engine):
    with engine() as running:
        url = running.url
        assert can_connect(running.port)
        running.stop()
        assert not can_connect(running.port)
        running.start()
        assert running.url == url
        assert can_connect(running.port)
    assert not can_connect(running.port)


def test_two_engines_of_one_kind_are_apart():
    with engines.valkey() as one, engines.valkey() as other, redis.Redis.from_url(one.url) as client:
        client.set("a", "1")
        with redis.Redis.from_url(other.url) as second:
            assert second.get("a") is None


def test_valkey_keeps_its_data_over_a_crash_if_told():
    with engines.valkey("--appendonly", "yes", "--appendfsync", "always") as running:
        with redis.Redis.from_url(running.url) as client:
            client.set("a", "1")
        running.stop(9)
        running.start()
        with redis.Redis.from_url(running.url) as client:
            assert client.get("a") == b"1"


def test_an_engine_on_a_taken_port_finds_another(monkeypatch):
    with engines.valkey() as first:
        ports = iter((first.port, engines.free_port()))
        monkeypatch.setattr(engines, "free_port", lambda: next(ports))
        with engines.valkey() as second:
            assert second.port != first.port
