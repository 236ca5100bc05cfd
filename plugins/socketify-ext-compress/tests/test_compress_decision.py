from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketify_ext_compress.decision import forbids, has_body, may_be_probed, shrinks, vary, weaken


@pytest.mark.parametrize(
    ("content_type", "wanted"),
    [
        ("text/html; charset=utf-8", True),
        ("TEXT/Plain", True),
        ("text/event-stream", True),
        ("application/json", True),
        ("application/problem+json", True),
        ("image/svg+xml;x=y", True),
        ("application/wasm", True),
        ("font/ttf", True),
        ("font/woff2", False),
        ("image/png", False),
        ("video/mp4", False),
        ("application/zip", False),
        ("application/octet-stream", False),
        ("multipart/byteranges; boundary=x", False),
        ("", False),
        (None, False),
        ("text", False),
    ],
)
def test_what_is_compressed_already_is_left_as_it_is(content_type, wanted):
    assert shrinks(content_type) is wanted
    assert shrinks("image/tiff; a=b", ("image/tiff",))


@pytest.mark.parametrize(("status", "wanted"), [(200, True), (201, True), (404, True), (500, True), (101, False),
    (204, False), (205, False), (206, False), (304, False)])  # fmt: skip
def test_answers_with_whole_bodies_only(status, wanted):
    assert has_body(status) is wanted


SITES = ["same-origin", "none", "same-site", "cross-site", "", "Same-Origin", "same-origin, none"]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    ("cookie", "authorization"),
    [("a=b", []), (None, ["Basic x"]), (None, ["Negotiate"]), ("a=b", ["Bearer x"]), ("", ["x"])],
)
def test_with_credentials_that_browsers_send_the_request_must_be_this_sites(cookie, authorization, site):
    assert may_be_probed(cookie, authorization, [site]) is (site not in SITES[:2])
    assert may_be_probed(cookie, authorization, [])
    assert may_be_probed(cookie, authorization, ["same-origin", "cross-site"])
    assert may_be_probed(cookie, authorization, ["same-origin", "same-origin"])


@pytest.mark.parametrize("sites", [[], ["cross-site"], ["a", "b"]])
@pytest.mark.parametrize("authorization", [[], ["Bearer x"], ["bearer x"], ["DPoP x"]])
@pytest.mark.parametrize("cookie", [None, ""])
def test_without_them_there_is_nobody_to_spy_on(sites, authorization, cookie):
    assert not may_be_probed(cookie, authorization, sites)


def test_one_authorization_of_several_is_enough():
    assert may_be_probed(None, ["Bearer x", "Basic y"], [])
    assert may_be_probed(None, ["Bearerx"], [])


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        (None, "Accept-Encoding"),
        ("", "Accept-Encoding"),
        ("Origin", "Origin, Accept-Encoding"),
        ("Accept", "Accept, Accept-Encoding"),
        ("accept-encoding", None),
        ("Cookie,  Accept-Encoding", None),
        ("*", None),
    ],
)
def test_caches_are_told_once(present, wanted):
    assert vary(present) == wanted


@pytest.mark.parametrize(("etag", "wanted"), [('"a"', 'W/"a"'), ('W/"a"', None), (None, None), ("a", None)])
def test_a_strong_validator_becomes_weak(etag, wanted):
    assert weaken(etag) == wanted


@pytest.mark.parametrize(("value", "wanted"), [("no-transform", True), ("public, No-Transform", True), ("no-store", False), (None, False)])  # fmt: skip
def test_an_answer_may_forbid_it(value, wanted):
    assert forbids(value) is wanted


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_a_client_sends_is_judged(cookie, authorization, sites):
    probed = may_be_probed(cookie, authorization, sites)
    assert probed or not (cookie and sites == ["cross-site"])
