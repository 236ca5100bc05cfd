import pytest

import socketify_ext
from socketify_ext.builtin import auth
from socketify_ext.builtin.auth.api_token import ApiTokens
from socketify_ext.errors import OptionsError

SECRET = "a secret of more than thirty-two bytes"
JWT = {"key": SECRET, "algorithms": ["HS256"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give tokens="),
        ({"tokens": {"t": {"name": "Ann"}}, "jwt": JWT}, 'beside jwt or verify each user of tokens needs an "id"'),
        ({"tokens": {"t": {"id": "7"}, "u": {"name": "Ann"}}, "verify": str}, 'needs an "id"'),
        ({"tokens": {"": {"name": "Ann"}}}, "not empty"),
        ({"tokens": {" t": {"name": "Ann"}}}, "no spaces"),
        ({"tokens": {"t": {}}}, "needs a name"),
        ({"tokens": {"t": {"name": ""}}}, "needs a name"),
        ({"tokens": {"t": {"id": "", "name": "Ann"}}}, "needs a name or an"),
        ({"tokens": {"t": {"id": 7, "name": "Ann"}}}, "needs a name or an"),
        ({"tokens": {"t": {"name": "Ann"}, "u": {"name": "Ann"}}}, "two tokens have one identity"),
        ({"tokens": {"t": {"name": "Ann"}, "u": {"id": "Ann", "name": "Ann"}}}, "two tokens have one identity"),
        ({"tokens": {"t": {"id": "Ann", "name": "Ann"}, "u": {"name": "Ann"}}}, "two tokens have one identity"),
        ({"tokens": {"t": {"id": "7", "name": "Ann"}, "u": {"id": "7", "name": "Ben"}}}, "two tokens have one"),
        ({"jwt": JWT | {"issuer": ["a", "b c"]}}, "several issuers"),
        ({"jwt": JWT | {"id_claim": ""}}, "id_claim"),
        ({"tokens": {}, "origins": ["*"]}, "scheme"),
        ({"tokens": {}, "origins": ["null"]}, "scheme"),
        ({"tokens": {}, "origins": ["https://app.example/"]}, "scheme"),
        *(
            ({"tokens": {}, "origins": [origin]}, "scheme")
            for origin in (
                "app.example",
                "https://",
                "https://*.example",
                "https://app.example:443",
                "http://app.example:80",
                "https://ann@app.example",
                "https://app.example?a=b",
                "wss://app.example",
            )
        ),
        ({"tokens": {}, "realm": 'a"b'}, "realm"),
        ({"tokens": {}, "realm": "a\r\nb"}, "realm"),
        ({"jwt": {"algorithms": ["HS256"]}}, "key=... or jwks="),
        ({"jwt": JWT | {"jwks": "keys.json"}}, "key=... or jwks="),
        ({"jwt": {"key": SECRET}}, "algorithms"),
        ({"jwt": {"key": SECRET, "algorithms": []}}, "algorithms"),
        ({"jwt": {"key": SECRET, "algorithms": ["none"]}}, "algorithms"),
        ({"jwt": JWT | {"leeway": -1}}, "leeway"),
        ({"jwt": JWT | {"leeway": float("inf")}}, "leeway"),
        ({"jwt": JWT | {"audiance": "api"}}, "audiance"),
        ({"jwt": JWT | {"jwks_timeout": float("inf")}}, "jwks_timeout"),
        ({"jwt": JWT | {"jwks_max_age": float("nan")}}, "jwks_max_age"),
        ({"jwt": JWT | {"jwks_cooldown": float("inf")}}, "jwks_cooldown"),
        ({"jwt": {"jwks": "http://issuer.example/keys", "algorithms": ["RS256"]}}, "https"),
        *(
            ({"jwt": {"jwks": url, "algorithms": ["RS256"]}}, "https URL without user, password and fragment")
            for url in (
                "https://ann:s3cret@issuer.example/keys",
                "https://ann:s3cret/x@issuer.example/keys",
                "https://ann:12/s3cret@issuer.example/keys",
                "https://ann:s3cret\u2100@issuer.example/keys",
                "https://issuer.example/keys#s3cret",
                "https://[s3cret",
                "https://",
                "https:///s3cret",
                "https://issuer.example:s3cret/",
                "https://issuer.example/s3 cret",
                "https://issuer.example/\r\ns3cret",
                "s3cret://issuer.example",
            )
        ),
        ({"jwt": {"jwks": "ftp://issuer.example/keys", "algorithms": ["RS256"]}}, "https"),
        ({"jwt": {"jwks": "file:///etc/keys", "algorithms": ["RS256"]}}, "https"),
    ],
)
def test_options_that_would_be_unsafe_are_refused(options, message):
    with pytest.raises(OptionsError, match=message) as caught:
        socketify_ext.load("auth", **options)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://issuer.example",
        "https://issuer.example:8443/realms/shop/keys?version=1&key=%40",
        "https://[2001:db8::1]/keys",
        "http://127.0.0.1:8080/keys",
        "http://[::1]:8080/keys",
        "http://localhost/keys",
    ],
)
def test_a_url_of_a_key_set_may_have_a_port_a_path_and_a_query(url):
    options = {"jwks": url, "algorithms": ["RS256"]}
    extension = socketify_ext.load("auth", jwt=options)
    assert extension.validated_options().jwt.jwks == url
    assert url not in repr(extension.validated_options())


def test_options_show_no_secrets():
    for options in ({"jwt": JWT}, {"tokens": {SECRET: {"name": "Ann"}}}):
        extension = socketify_ext.load("auth", **options)
        assert SECRET not in repr(extension) + repr(extension.validated_options())


def test_an_error_shows_no_secret():
    with pytest.raises(OptionsError) as caught:
        socketify_ext.load("auth", tokens={"s3cret": "Ann"})
    assert "s3cret" not in str(caught.value)
    with pytest.raises(OptionsError) as caught:
        socketify_ext.load("auth", jwt={"key": [SECRET], "algorithms": ["HS256"]})
    assert SECRET not in str(caught.value)


def test_users_of_one_name_and_tokens_of_one_user_are_told_apart_by_the_id():
    tokens = {
        "phone": {"id": "7", "name": "Ann"},
        "desk": {"id": "7", "name": "Ann", "scope": "write"},
        "other": {"id": "8", "name": "Ann"},
        "ben": {"name": "Ben"},
        "nobody": {"id": "9"},
    }
    verify = ApiTokens(auth.Options(tokens=tokens).tokens)
    assert [verify(token).id for token in tokens] == ["7", "7", "8", "Ben", "9"]


def test_the_defaults_trust_no_cookie():
    options = auth.Options(tokens={})
    assert (options.header, options.cookie, options.query, options.origins) == ("token", None, "token", None)


def test_origins_are_compared_as_browsers_write_them():
    origins = ["HTTPS://App.Example", "http://localhost:3000", "https://[::1]:8443", "http://app.example:443"]
    assert auth.Options(tokens={}, origins=origins).origins == tuple(origin.lower() for origin in origins)
