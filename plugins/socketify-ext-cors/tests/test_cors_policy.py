from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketify_ext_cors import Options, Policy

APP = "https://app.example"
OTHER = "https://other.example"
origins = (
    st.sampled_from([APP, OTHER, "null", f"{APP}.evil.example", f"{APP}:8443", "HTTPS://APP.EXAMPLE", "*"]) | st.text()
)


def policy(**options):
    return Policy(Options(**{"allow_origins": [APP], **options}))


def names(headers):
    return [name for name, _ in headers]


@given(origin=origins | st.none())
def test_an_origin_that_is_not_listed_gets_vary_alone(origin):
    if origin != APP:
        assert policy(allow_credentials=True, expose_headers=["X-Total"]).actual(origin) == (("Vary", "Origin"),)


@given(origin=origins, credentials=st.booleans())
def test_a_pattern_must_match_the_whole_origin(origin, credentials):
    by_pattern = policy(allow_origins=[], allow_origin_regex=r"https://app\.example", allow_credentials=credentials)
    assert by_pattern.allows(origin) == (origin == APP)


@given(origin=origins, pattern=st.sampled_from([".*", "null|https://app.example", "n.*"]))
def test_a_pattern_never_allows_the_origin_of_sandboxed_frames(origin, pattern):
    by_pattern = policy(allow_origins=[APP], allow_origin_regex=pattern)
    assert not by_pattern.allows("null")
    assert by_pattern.allows(APP)
    assert policy(allow_origins=["*"]).permission("null") == (("Access-Control-Allow-Origin", "*"),)


labels = st.from_regex(r"[a-z0-9_-]+", fullmatch=True)


@given(st.lists(labels, min_size=1, max_size=4))
def test_subdomains_of_any_depth_are_allowed_and_the_domain_itself_is_not(found):
    by_subdomain = policy(allow_origins=["https://*.app.example"], allow_credentials=True)
    origin = f"https://{'.'.join(found)}.app.example"
    assert by_subdomain.actual(origin) == (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    )
    assert not by_subdomain.allows(APP)


@given(
    st.text(max_size=12), st.sampled_from([".app.example", "app.example", ".appxexample", ".app.example.evil.example"])
)
def test_nothing_but_a_subdomain_passes_for_one(begin, end):
    origin = f"https://{begin}{end}"
    allowed = policy(allow_origins=["https://*.app.example"]).allows(origin)
    host = origin.removeprefix("https://")
    assert allowed == (
        host.endswith(".app.example")
        and all(label and set(label) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") for label in host.split("."))
    )


@pytest.mark.parametrize(
    "origin",
    [
        "https://*.app.example",
        "http://a.app.example",
        "https://a.app.example:8443",
        "https://a.app.example/",
        "https://x@a.app.example",
    ],
)
def test_a_subdomain_of_another_scheme_or_port_is_another_origin(origin):
    assert not policy(allow_origins=["https://*.app.example"]).allows(origin)
    assert policy(allow_origins=["http://*.localhost:3000"]).allows("http://shop.localhost:3000")


def test_a_private_network_is_opened_to_those_who_ask_and_may():
    opened = policy(allow_private_network=True)
    vary = (
        "Vary",
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network",
    )
    granted = opened.preflight(APP, "GET", None, "true")
    assert ("Access-Control-Allow-Private-Network", "true") in granted
    assert granted[-1] == vary
    assert "Access-Control-Allow-Private-Network" not in names(opened.preflight(APP, "GET", None))
    assert opened.preflight(OTHER, "GET", None, "true") == (vary,)
    assert "Access-Control-Allow-Private-Network" not in names(policy().preflight(APP, "GET", None, "true"))


@given(origin=origins | st.none())
def test_anybody_gets_the_same_headers(origin):
    everybody = policy(allow_origins=["*"], expose_headers=["*"])
    assert everybody.actual(origin) == (
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "*"),
    )


def test_a_listed_origin_is_echoed():
    assert policy(allow_credentials=True, expose_headers=["X-Total", "ETag"]).actual(APP) == (
        ("Access-Control-Allow-Origin", APP),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-Total, ETag"),
        ("Vary", "Origin"),
    )


@given(origin=origins, method=st.sampled_from(["GET", "PUT", "put", "TRACE"]), headers=st.none() | st.text())
def test_a_preflight_is_allowed_as_a_whole_or_not_at_all(origin, method, headers):
    given_headers = policy(allow_methods=["GET", "PUT"]).preflight(origin, method, headers)
    allowed = "Access-Control-Allow-Origin" in names(given_headers)
    assert ("Access-Control-Allow-Methods" in names(given_headers)) == allowed
    assert names(given_headers)[-1] == "Vary"
    if not allowed:
        assert len(given_headers) == 1
    else:
        assert origin == APP
        assert method in ("GET", "PUT")


@given(headers=st.text())
def test_only_tokens_are_echoed(headers):
    answered = dict(policy(allow_headers=["*"]).preflight(APP, "GET", headers))
    assert "\r" not in answered.get("Access-Control-Allow-Headers", "")
    assert "\n" not in answered.get("Access-Control-Allow-Headers", "")


def test_header_names_are_compared_without_case_and_safelisted_ones_need_no_option():
    answered = dict(policy(allow_headers=["X-Token"]).preflight(APP, "POST", "content-type, x-token"))
    assert (
        answered["Access-Control-Allow-Headers"] == "Accept, Accept-Language, Content-Language, Content-Type, X-Token"
    )


def test_requested_headers_are_echoed_where_any_is_allowed():
    answered = dict(policy(allow_headers=["*"]).preflight(APP, "POST", "x-a,x-b"))
    assert answered["Access-Control-Allow-Headers"] == "x-a, x-b"
    assert "Access-Control-Allow-Headers" not in dict(policy(allow_headers=["*"]).preflight(APP, "POST", None))


def test_max_age_is_left_to_the_browser_where_it_is_none():
    assert "Access-Control-Max-Age" not in dict(policy(max_age=None).preflight(APP, "GET", None))
    assert dict(policy(max_age=0).preflight(APP, "GET", None))["Access-Control-Max-Age"] == "0"
