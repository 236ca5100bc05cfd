from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from socketify_ext_security_headers import Options, Policy
from socketify_ext_security_headers.csp import DEFAULT


def headers(route=None, **options):
    return dict(Policy(Options(**options), None if route is None else Options(**route)).fixed)


def csp(nonce=None, route=None, **options):
    return Policy(Options(**options), None if route is None else Options(**route)).csp(nonce)


def test_the_default_is_strict():
    assert headers() == {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    assert csp() == (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )


def test_a_nonce_stands_wherever_it_belongs():
    assert csp("abc").startswith("default-src 'self'; script-src 'self' 'nonce-abc'; style-src 'self' 'nonce-abc'; ")
    assert csp("abc", csp={"script-src": ["'nonce'", "'strict-dynamic'"], "style-src": None}).startswith(
        "default-src 'self'; script-src 'nonce-abc' 'strict-dynamic'; img-src"
    )
    assert csp(None, csp={"script-src": ["'nonce'"]}).startswith("default-src 'self'; script-src; style-src 'self'")


def test_a_policy_without_a_nonce_takes_none():
    given = {"script-src": ["'self'"], "style-src": ["'self'"]}
    assert not Policy(Options(csp=given)).uses_nonce
    assert csp("abc", csp=given) == csp(None, csp=given)
    assert Policy(Options()).uses_nonce


def test_directives_replace_those_by_default_one_by_one():
    text = csp(csp={"img-src": ["*"], "frame-ancestors": None, "upgrade-insecure-requests": []})
    assert "img-src *; " in text
    assert text.endswith("; upgrade-insecure-requests")
    assert "frame-ancestors" not in text
    assert csp(csp=None) is None
    assert csp(csp=dict.fromkeys(DEFAULT)) is None


def test_a_route_replaces_what_it_names():
    app = {"csp": {"img-src": ["*"]}, "hsts_max_age": None, "permissions": None}
    route = {"csp": {"frame-ancestors": ["https://partner.example"]}, "resource_policy": "cross-origin"}
    text = csp(None, route, **app)
    assert "img-src *;" in text
    assert "frame-ancestors https://partner.example" in text
    assert headers(route, **app) == {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    assert csp(None, {"csp": None}) is None
    assert csp(None, {"csp": {}}, csp=None) == csp()
    assert csp(None, {"nosniff": False}, csp=None) is None


@pytest.mark.parametrize(
    ("sources", "frames"), [(["'none'"], "DENY"), (["'self'"], "SAMEORIGIN"), (["https://a.example"], None)]
)
def test_browsers_without_frame_ancestors_get_what_comes_nearest(sources, frames):
    assert headers(csp={"frame-ancestors": sources}).get("X-Frame-Options") == frames
    assert "X-Frame-Options" not in headers(csp={"frame-ancestors": sources}, csp_report_only=True)


def test_a_report_has_a_name_of_its_own():
    assert Policy(Options(csp_report_only=True)).csp_name == "Content-Security-Policy-Report-Only"
    assert Policy(Options()).csp_name == "Content-Security-Policy"


def test_transport_and_features_are_written_as_browsers_read_them():
    sent = headers(
        hsts_max_age=2**26, hsts_include_subdomains=True, hsts_preload=True, embedder_policy="credentialless",
        permissions={"camera": ["self", "https://a.example"], "fullscreen": ["*"], "usb": []},
    )  # fmt: skip
    assert sent["Strict-Transport-Security"] == "max-age=67108864; includeSubDomains; preload"
    assert sent["Permissions-Policy"] == 'camera=(self "https://a.example"), fullscreen=*, usb=()'
    assert sent["Cross-Origin-Embedder-Policy"] == "credentialless"
    assert headers(hsts_max_age=0)["Strict-Transport-Security"] == "max-age=0"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"csp": {"script_src": ["'self'"]}}, "do you mean 'script-src'"),
        ({"csp": {"sript-src": ["'self'"]}}, "do you mean 'script-src'"),
        ({"csp": {"xyz": ["'self'"]}}, "they are default-src"),
        ({"csp": {"script-src": ["self"]}}, "write it in quotes, as \"'self'\""),
        ({"csp": {"script-src": ["'Self'"]}}, "write it in quotes"),
        ({"csp": {"script-src": ["unsafe-inline"]}}, "write it in quotes"),
        ({"csp": {"script-src": ["'unsafe-inlin'"]}}, "do you mean \"'unsafe-inline'\""),
        ({"csp": {"script-src": ["'nonce-abc'"]}}, "protects from nothing"),
        ({"csp": {"img-src": ["'nonce'"]}}, "img-src takes no nonce"),
        ({"csp": {"script-src": ["'self' https:"]}}, "not one source"),
        ({"csp": {"script-src": ["https://a.example; img-src *"]}}, "not one source"),
        ({"csp": {"script-src": ["https://a.example,*"]}}, "not one source"),
        ({"csp": {"script-src": ["https://\u00e9.example"]}}, "not one source"),
        ({"csp": {"script-src": ["a\r\nb"]}}, "not one source"),
        ({"csp": {"script-src": [""]}}, "not one source"),
        ({"csp": {"script-src": ["'sha256-x;'"]}}, "not one source"),
        ({"csp": {"script-src": ["'sha257-abc='"]}}, "not a source that browsers know"),
        ({"csp": {"script-src": ["'none'", "'self'"]}}, "stands alone"),
        ({"csp": {"script-src": []}}, "has no sources"),
        ({"csp": {"upgrade-insecure-requests": ["x"]}}, "has no sources"),
        ({"csp": "default-src 'self'"}, "csp"),
        ({"csp": {"script-src": "'self'"}}, "tuple"),
        ({"hsts_preload": True}, "hsts_include_subdomains=True"),
        ({"hsts_preload": True, "hsts_include_subdomains": True, "hsts_max_age": 3600}, "hsts_max_age=31536000"),
        ({"hsts_max_age": -1}, "hsts_max_age"),
        ({"referrer_policy": "never"}, "referrer_policy"),
        ({"permissions": {"picture_in_picture": []}}, "is not a feature"),
        ({"permissions": {"camera": ["'self'"]}}, "neither"),
        ({"permissions": {"camera": ["self", "*"]}}, "alone"),
        ({"permissions": {"camera": ['https://a.example"']}}, "neither"),
        ({"permissions": {"camera": ["https://a.example/path"]}}, "neither"),
        ({"content_security_policy": {}}, "Extra inputs"),
    ],
)
def test_options_that_browsers_would_ignore_are_refused(options, why):
    with pytest.raises(ValidationError, match=re.escape(why)):
        Options(**options)


@pytest.mark.parametrize(
    "source",
    [
        "'sha256-B2yPHKaXnvFWtRChIbabYmUBFZdVfKKXHbWtWidDVF8='",
        "https:",
        "*.a.example:8080",
        "wss://a.example/x",
        "blob:",
        "'wasm-unsafe-eval'",
    ],
)
def test_sources_that_browsers_know_are_taken(source):
    assert source in csp(csp={"script-src": [source]})


@given(st.text(max_size=30))
def test_no_source_changes_another_directive(text):
    try:
        found = csp(csp={"connect-src": [text]})
    except ValidationError:
        return
    assert found.count(";") == csp().count(";") + 1
    assert not set(found) & set("\r\n,")
    assert found.isascii()
