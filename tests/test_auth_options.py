import pytest

import socketify_ext
from socketify_ext.builtin import auth
from socketify_ext.errors import OptionsError

SECRET = "a secret of more than thirty-two bytes"
JWT = {"key": SECRET, "algorithms": ["HS256"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": {}, "jwt": JWT}, "give either"),
        ({"tokens": {"": {"name": "Ann"}}}, "not empty"),
        ({"tokens": {" t": {"name": "Ann"}}}, "no spaces"),
        ({"tokens": {"t": {}}}, "needs a name"),
        ({"tokens": {"t": {"name": ""}}}, "needs a name"),
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
        ({"jwt": {"jwks": "http://issuer.example/keys", "algorithms": ["RS256"]}}, "https"),
        ({"jwt": {"jwks": "ftp://issuer.example/keys", "algorithms": ["RS256"]}}, "https"),
        ({"jwt": {"jwks": "file:///etc/keys", "algorithms": ["RS256"]}}, "https"),
    ],
)
def test_options_that_would_be_unsafe_are_refused(options, message):
    with pytest.raises(OptionsError, match=message):
        socketify_ext.load("auth", **options)


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


def test_the_defaults_trust_no_cookie():
    options = auth.Options(tokens={})
    assert (options.header, options.cookie, options.query, options.origins) == ("token", None, "token", None)


def test_origins_are_compared_as_browsers_write_them():
    origins = ["HTTPS://App.Example", "http://localhost:3000", "https://[::1]:8443", "http://app.example:443"]
    assert auth.Options(tokens={}, origins=origins).origins == tuple(origin.lower() for origin in origins)
