from __future__ import annotations

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
