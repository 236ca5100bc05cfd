from __future__ import annotations

import pytest
import socketify
from socketify_ext_cors import Options

import socketify_ext


def refused(**options):
    with pytest.raises(socketify_ext.ExtensionError, match="EXT104") as caught:
        socketify_ext.load("cors", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example",
        "http://localhost:3000",
        "http://[::1]:8080",
        "https://app.example:80",
        "chrome-extension://abcdef",
        "https://xn--bcher-kva.example",
        "https://*.app.example",
        "http://*.localhost:3000",
    ],
)
def test_origins_as_browsers_send_them_are_taken(origin):
    assert Options(allow_origins=[origin]).allow_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://App.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://*.example",
        "https://*",
        "https://*app.example",
        "https://a.*.example",
        "https://*.*.example",
        "https://*.app.example/",
        "https://*.app.example:443",
        "https://a.example, https://b.example",
        "https://user@app.example",
        "https://bücher.example",
    ],
)
def test_origins_that_no_browser_sends_are_refused_with_the_form_to_use(origin):
    message = refused(allow_origins=[origin])
    assert repr(origin) in message
    assert "scheme://host:port" in message
    assert "allow_origin_regex" in message


def test_the_origin_of_sandboxed_frames_can_not_be_listed():
    assert "every sandboxed frame" in refused(allow_origins=["null"])


@pytest.mark.parametrize("pattern", [".*", r"https://.*", r"https://[\w.-]+", r"https?://.+\.?.*"])
def test_credentials_for_a_pattern_that_anybody_matches_are_refused_with_the_fix(pattern):
    message = refused(allow_origin_regex=pattern, allow_credentials=True)
    assert "matches any site" in message
    assert r'allow_origin_regex=r"https://\w+\.app\.example"' in message
    assert Options(allow_origin_regex=pattern)


def test_some_origin_must_be_allowed():
    assert 'allow_origins=["https://app.example"]' in refused()


def test_credentials_for_anybody_are_refused_with_the_fix():
    message = refused(allow_origins=["*"], allow_credentials=True)
    assert "Fetch standard" in message
    assert 'allow_origins=["https://app.example"]' in message


def test_credentials_with_every_header_exposed_are_refused_with_the_fix():
    message = refused(allow_origins=["https://app.example"], expose_headers=["*"], allow_credentials=True)
    assert 'expose_headers=["X-Total"]' in message


def test_any_request_header_goes_with_credentials():
    assert Options(allow_origins=["https://app.example"], allow_headers=["*"], allow_credentials=True)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("allow_origins", ["*", "https://app.example"]),
        ("allow_headers", ["X-Token", "*"]),
        ("expose_headers", ["*", "X-Total"]),
    ],
)
def test_a_star_stands_alone(name, values):
    options = {"allow_origins": ["https://app.example"], name: values}
    assert f'{name} holds "*" and more' in refused(**options)


def test_a_pattern_beside_anybody_is_refused():
    assert "leave allow_origin_regex out" in refused(allow_origins=["*"], allow_origin_regex="https://.*")


@pytest.mark.parametrize(
    "values",
    [
        {"allow_methods": ["*"]},
        {"allow_methods": ["GET, PUT"]},
        {"allow_headers": ["X Token"]},
        {"expose_headers": ["X-A\r\nX-B"]},
        {"max_age": -1},
        {"allow_origin_regex": "("},
        {"allow_origins": "https://app.example"},
        {"origins": ["*"]},
    ],
)
def test_what_can_not_be_meant_is_refused(values):
    assert next(iter(values)) in refused(**{"allow_origins": ["*"], **values})


def test_methods_are_in_capitals():
    assert Options(allow_origins=["*"], allow_methods=["patch"]).allow_methods == ("PATCH",)


def test_a_stock_app_takes_no_routes_and_says_to_install():
    app = socketify.App()
    with pytest.raises(socketify_ext.ExtensionError, match=r"EXT401.*socketify_ext\.install\(app\)"):
        app.register(socketify_ext.load("cors", allow_origins=["*"]))
    assert socketify_ext.inspect(app).order == ()
