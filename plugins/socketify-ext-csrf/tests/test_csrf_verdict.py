from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketify_ext_csrf.verdict import objection

HOST = "app.example"
OWN = f"https://{HOST}"
EVIL = "https://evil.example"
OTHER = "more than once"


@pytest.mark.parametrize(
    ("sites", "origins", "why"),
    [
        (["same-origin"], [OWN], None),
        (["same-origin"], ["null"], None),
        (["same-origin"], [], None),
        (["none"], [], None),
        (["cross-site"], [EVIL], "another origin"),
        (["cross-site"], [OWN], "another origin"),
        (["cross-site"], [], "another origin"),
        (["same-site"], ["https://blog.app.example"], "another origin"),
        ([""], [OWN], "another origin"),
        (["Same-Origin"], [OWN], "another origin"),
        (["same-origin, cross-site"], [], "another origin"),
        (["same-origin", "same-origin"], [OWN], OTHER),
        (["same-origin", "cross-site"], [], OTHER),
        ([], [OWN, EVIL], OTHER),
        ([], [], None),
        ([], [OWN], None),
        ([], [f"http://{HOST}"], None),
        ([], [EVIL], "not this server's"),
        ([], ["null"], "not this server's"),
        ([], [""], "not this server's"),
        ([], ["https://"], "not this server's"),
        ([], [HOST], "not this server's"),
        ([], [f"{OWN}.evil.example"], "not this server's"),
        ([], [f"https://evil{HOST}"], "not this server's"),
        ([], [f"{OWN}:8443"], "not this server's"),
        ([], [f"https://x@{HOST}"], "not this server's"),
        ([], [f"{OWN}/"], "not this server's"),
        ([], [f"{OWN} {EVIL}"], "not this server's"),
    ],
)
def test_a_page_of_another_origin_is_refused(sites, origins, why):
    found = objection(sites, origins, [HOST])
    assert (found is None) if why is None else why in found


@pytest.mark.parametrize("hosts", [[], [""], [HOST, HOST], [HOST, "evil.example"], ["evil.example"]])
def test_a_host_that_is_not_known_is_nobodys(hosts):
    assert objection([], [OWN], hosts)


def test_hosts_are_compared_with_their_ports_in_any_case():
    assert objection([], ["http://localhost:3000"], ["LocalHost:3000"]) is None
    assert objection([], ["http://[::1]:3000"], ["[::1]:3000"]) is None
    assert objection([], ["http://localhost:3000"], ["localhost"])


@pytest.mark.parametrize("sites", [[], ["cross-site"], ["same-site"]])
def test_trusted_origins_may(sites):
    assert objection(sites, [EVIL], [HOST], {EVIL}) is None
    assert objection(sites, [f"{EVIL}:1"], [HOST], {EVIL})
    assert objection([*sites, "x", "y"], [EVIL], [HOST], {EVIL})


texts = st.lists(st.text(max_size=30), max_size=3)


@given(texts, texts, texts)
def test_a_browser_that_says_cross_site_never_passes(sites, origins, hosts):
    assert objection(["cross-site", *sites], origins, hosts)


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_origin_alone_passes_for_its_own_host_only(origin, host):
    if objection([], [origin], [host]) is None:
        assert origin.partition("://")[2] == host.strip().lower() != ""
