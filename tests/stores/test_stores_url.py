"""URLs of engines: what is taken is exactly a URL, and what is not is refused without showing any of it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socketify_ext.builtin.backplane.nats import login_of, servers_of
from socketify_ext.stores import open_store
from socketify_ext.stores.url import EngineUrl, parse_url

SCHEMES = ("memory", "sqlite", "redis", "rediss", "unix", "nats", "tls")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("memory://", EngineUrl("memory")),
        ("redis://host", EngineUrl("redis", "host")),
        ("redis://127.0.0.1:6379/15", EngineUrl("redis", "127.0.0.1", 6379, "/15")),
        ("rediss://my_host-1.example:1/", EngineUrl("rediss", "my_host-1.example", 1, "/")),
        ("redis://[::1]:6379", EngineUrl("redis", "[::1]", 6379)),
        ("redis://host?db=1&protocol=3", EngineUrl("redis", "host", query="db=1&protocol=3")),
        ("redis://:p@host", EngineUrl("redis", "host", user="", password="p")),
        ("redis://ann:p%2F%3F%23%40%25:x!$&'()*+,;=~^|{}\"<>`@host", None),
        ("nats://token@host:4222", EngineUrl("nats", "host", 4222, user="token")),
        ("unix:///run/a@b.sock?db=1", EngineUrl("unix", path="/run/a@b.sock", query="db=1")),
        ("unix://ann:p@/run/redis.sock", EngineUrl("unix", path="/run/redis.sock", user="ann", password="p")),
        ("sqlite:///my data/%23é.db", EngineUrl("sqlite", path="/my data/#é.db")),
        ("sqlite:////var/a@b.db", EngineUrl("sqlite", path="//var/a@b.db")),
    ],
)
def test_a_url_is_parsed_and_decoded(url, parts):
    parsed = parse_url(url, SCHEMES)
    if parts is None:
        assert (parsed.user, parsed.password) == ("ann", "p/?#@%:x!$&'()*+,;=~^|{}\"<>`")
    else:
        assert parsed == parts


MALFORMED = [
    "",
    "redis",
    "redis:",
    "redis:/host",
    "redis://",
    "redis://:6379",
    "redis://s3cret",
    "REDIS://s3cret@host",
    "amqp://ann:s3cret@host",
    "s3cret://host",
    *(f"redis://ann:s3cret{each}1@host:6379/0" for each in "/?#@[]\\ \t\n\x00\x7f\u2100é"),
    *(f"redis://{each}s3cret@host" for each in "/?#@[]\\ \u2488"),
    "redis://ann:123/s3cret@host",
    "redis://ann:123#s3cret@host",
    "redis://ann:123?s3cret@host",
    "redis://ann:123?a=s3cret@host",
    "redis://ann:s3cret%@host",
    "redis://ann:s3cret%zz@host",
    "redis://host:s3cret",
    "redis://host:0/1",
    "redis://host:65536",
    "redis://host:123456",
    "redis://host:/0",
    "redis://host/s3cret",
    "redis://host/0/s3cret",
    "redis://host?s3cret",
    "redis://host?a=1&s3cret",
    "redis://ho st",
    "redis://-host",
    "redis://[s3cret]",
    "redis://[::1",
    "redis://[1::2::3]",
    "redis://ann:s3cret@[host",
    " redis://host",
    "redis://host\n",
    "memory://s3cret",
    "memory://s3cret@",
    "memory:///s3cret",
    "memory://?s3cret=1",
    "sqlite://s3cret",
    "sqlite://",
    "sqlite:///",
    "sqlite:///a.db?s3cret=1",
    "sqlite:///a.db#s3cret",
    "sqlite:///:memory:",
    "unix://",
    "unix://ann:s3cret/x@/run/redis.sock",
    "unix://host/run/redis.sock",
    "nats://ann:s3cret/x@host",
    "nats://host/s3cret",
    "nats://host?a=s3cret",
    None,
    5,
    b"redis://s3cret",
    ["redis://s3cret"],
]


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_url_is_refused_and_not_shown(url):
    if url == "redis://s3cret":  # it is a host
        assert str(parse_url(url, SCHEMES)) == url
        return
    with pytest.raises(ValueError, match="the URL can't be used") as caught:
        parse_url(url, SCHEMES)
    assert "s3cret" not in str(caught.value) + repr(caught.value)
    assert caught.value.__context__ is None or "s3cret" not in str(caught.value.__context__)


secret = st.text(min_size=1, max_size=20).map(lambda text: f"s3cret{text}s3cret")


@given(secret, st.sampled_from(["redis", "rediss", "nats", "unix", "sqlite", "memory"]))
@example("s3cret/s3cret", "redis")
@example("s3cret1,2s3cret", "nats")
def test_whatever_a_password_holds_no_text_shows_it(password, scheme):
    url = f"{scheme}://ann:{password}@127.0.0.1:6379"
    shown, found = "", []
    try:
        found = servers_of(url) if scheme == "nats" else [parse_url(url, SCHEMES)]
    except ValueError as error:
        shown = f"{error}{error!r}{error.__context__}"
    assert "s3cret" not in shown + f"{found}{[str(each) for each in found]}"
    assert all(each.password.startswith("s3cret") for each in found)


def test_the_servers_of_a_cluster_take_one_login():
    assert login_of(servers_of("nats://a, tls://b:1")) == {}
    assert login_of(servers_of("nats://ann:p%2F@a,nats://b")) == {"user": "ann", "password": "p/"}
    assert login_of(servers_of("nats://a,nats://t%2Foken@b,nats://t%2Foken@c")) == {"token": "t/oken"}
    for url in ("nats://ann:s3cret@a,nats://ben:s3cret@b", "nats://ann:12,s3cret@a", "nats://a,", "nats://a,redis://b"):
        with pytest.raises(ValueError, match=r"one user|can't be used") as caught:
            servers_of(url)
        assert "s3cret" not in str(caught.value)


def test_a_store_names_itself_without_a_secret():
    for url in ("redis://ann:s3cret@host:1/2?password=s3cret", "unix://:s3cret@/run/redis.sock?password=s3cret"):
        assert "s3cret" not in open_store(url).name
