from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from socketify_ext_ratelimit import Options, ratelimit
from socketify_ext_ratelimit.client import forwarded_by, network

from socketify_ext import ExtensionError


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"limits": {"api": "1/hour"}}, "not a path prefix"),
        ({"limits": {"/:id": "1/hour"}}, "not a path prefix"),
        ({"limits": {"/a/*": "1/hour"}}, "not a path prefix"),
        ({"limits": {'/"': "1/hour"}}, "not a path prefix"),
        ({"limits": {"/é": "1/hour"}}, "not a path prefix"),
        ({"limits": {"/": "often"}}, "not a rate"),
        ({"limits": {"/": "0/hour"}}, "not a rate"),
        ({"limits": {"/": "1/hour"}, "store": "sqlite://"}, "the URL can't be used"),
        ({"limits": {"/": "1/hour"}, "store": "redis://"}, "the URL can't be used"),
        ({"limits": {"/": "1/hour"}, "key": "name"}, "key"),
        ({"limits": {"/": "1/hour"}, "timeout": 0}, "timeout"),
        ({"limits": {"/": "1/hour"}, "proxies": -1}, "proxies"),
        ({"limits": {"/": "1/hour"}, "ipv6_network": 129}, "ipv6_network"),
        ({"limits": {"/": "1/hour"}, "max_entries": 0}, "max_entries"),
        ({"limits": {"/": "9/hour"}, "max_entries": 8, "strategy": "moving-window"}, "keeps more requests"),
    ],
)
def test_options_that_can_not_work_are_refused(options, why):
    with pytest.raises(ValidationError, match=why):
        Options(**options)


@pytest.mark.parametrize("prefix", ["/", "/api", "/api/v1.0", "/a-b/c_d~e"])
def test_prefixes_that_hooks_take_are_taken(prefix):
    assert Options(limits={prefix: "1 per 2 seconds; 3/day"}).limits


def test_the_password_of_the_store_is_not_shown():
    url = "redis://:s3cret@host/0"
    loaded = ratelimit.configured(limits={"/": "1/hour"}, store=url)
    assert "s3cret" not in repr(loaded) + repr(loaded.validated_options())
    with pytest.raises(ExtensionError) as caught:
        ratelimit.configured(limits={"/": "1/hour"}, store="s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("tail", ["/1", "#1", "?1", "@1", "%", "\u2100", "["])
@pytest.mark.parametrize("scheme", ["redis", "valkey", "valkeys", "unix", "memory"])
def test_a_password_that_is_not_encoded_is_refused_and_not_shown(scheme, tail):
    with pytest.raises(ExtensionError, match="the URL can't be used") as caught:
        ratelimit.configured(limits={"/": "1/hour"}, store=f"{scheme}://ann:s3cret{tail}@127.0.0.1:1/0")
    assert "s3cret" not in f"{caught.value}{caught.value.__context__}"


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:8080", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0db8:0001:0002:ffff:0000:0000:0000", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:8080", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::ffff:c633:640b", "198.51.100.11"),
        ("[::ffff:198.51.100.11]:5", "198.51.100.11"),
        ('"198.51.100.12"', "198.51.100.12"),
        ('"[2001:db8:1:2::1]:8080"', "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[fe80::1%25eth0]", "fe80::/64"),
        ("198.51.100.012", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_an_address_counts_for_its_network(address, wanted):
    assert network(address, 64) == wanted


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_any_text_is_taken_for_an_address(text):
    found = network(text, 64)
    assert found is None or ipaddress.ip_network(found)


chains = st.lists(st.ip_addresses().map(str), min_size=1, max_size=4)


@given(chains, st.lists(st.text(st.characters(codec="ascii"), max_size=9), max_size=3))
def test_what_a_client_writes_before_the_proxies_counts_for_nothing(seen, written):
    assert forwarded_by([*written, *seen], "direct", len(seen)) == seen[0]


@given(chains)
def test_a_header_that_your_proxies_have_not_filled_is_not_believed(seen):
    assert forwarded_by(seen, "direct", len(seen) + 1) == "direct"
    assert forwarded_by(seen, "direct", 0) == "direct"
