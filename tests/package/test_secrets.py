"""Secrets: no error, log, `repr` or description shows one, whichever extension it was given to and however."""

import itertools
import json
import logging
import subprocess
import sys
import traceback

import pytest
from pydantic import ValidationError

import socketify_ext
from socketify_ext.builtin.auth import JwtOptions
from socketify_ext.errors import ExtensionError

SECRET = "Tops3cret"
DELIMITERS = ["/1", "#1", "?1", "@1", "[", "]", "%", "\u2100", " ", "\n", ":x"]
URLS = [
    f"{scheme}://{user}{SECRET}{tail}{rest}"
    for scheme, tail, user, rest in itertools.product(
        ("redis", "rediss", "nats", "unix", "sqlite", "memory", "amqp"), DELIMITERS, ("user:", ":"), ("@127.0.0.1:1/0",)
    )
] + [SECRET, f"{SECRET}://host", f"redis:/{SECRET}", f"redis://127.0.0.1:1/{SECRET}"]
WRONG = [SECRET.encode() + b"\xff", [SECRET], {SECRET: SECRET}, {"a": {SECRET: [SECRET]}}, (5, SECRET), {SECRET}]
OPTIONS = [
    *((("backplane", {"url": url})) for url in [*URLS, f"nats://a,{SECRET}@b", *WRONG]),
    *((("pm", {"inbox": url})) for url in [*URLS, *WRONG]),
    *((("cart", {"store": url, "secret": "s" * 32})) for url in [*URLS, *WRONG]),
    *((("cart", {"store": "memory://", "secret": value})) for value in [SECRET, [SECRET], *WRONG]),
    *(
        (("auth", {"tokens": value}))
        for value in [{SECRET: "Ann"}, {SECRET: {}}, {f" {SECRET}": {"name": "A"}}, *WRONG]
    ),
    *((("auth", {"jwt": {"key": value, "algorithms": ["HS256"]}})) for value in [SECRET, *WRONG]),
    *((("auth", {"jwt": {"jwks": value, "algorithms": ["HS256"]}})) for value in [*URLS, *WRONG]),
    *((("auth", {"jwt": value})) for value in [SECRET, {"key": SECRET}, {"key": SECRET, "jwks": SECRET}]),
]


@pytest.mark.parametrize("name", ["auth", "backplane", "cart", "pm"])
def test_no_error_of_a_wrong_option_shows_it(name, caplog):
    caplog.set_level(logging.DEBUG)
    failed = 0
    for options in (options for each, options in OPTIONS if each == name):
        try:
            extension = socketify_ext.load(name, **options)
            shown = repr(extension) + repr(extension.validated_options())
            socketify_ext.App().register(extension)
        except ExtensionError as error:
            failed += 1
            shown = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error.__context__)
        assert SECRET not in shown.replace(repr(__file__), ""), options
    assert failed > 10
    assert SECRET not in caplog.text


MODELS = [
    *(
        socketify_ext.load(name, **({"tokens": {}} if name == "auth" else {})).options_model
        for name in ("auth", "backplane", "cart", "msgpack", "pm")
    ),
    JwtOptions,
]
HIDDEN = {"url", "store", "inbox", "secret", "tokens", "key", "jwks"}


def test_each_option_that_may_hold_a_secret_is_hidden():
    found = {(name, info.repr) for model in MODELS for name, info in model.model_fields.items() if name in HIDDEN}
    assert found == {(name, False) for name in HIDDEN}


@pytest.mark.parametrize("model", [model for model in MODELS if HIDDEN & set(model.model_fields)])
def test_a_model_that_holds_secrets_never_quotes_what_it_was_given(model):
    for name in HIDDEN & set(model.model_fields):
        with pytest.raises(ValidationError) as caught:
            model(**{name: {SECRET: [SECRET]}})
        assert "input_value" not in str(caught.value) + repr(caught.value)


def test_what_an_app_tells_of_itself_shows_no_secret():
    app = socketify_ext.App()
    app.register(socketify_ext.load("auth", tokens={SECRET: {"name": "Ann"}}))
    app.register(socketify_ext.load("backplane", url=f"redis://:{SECRET}@127.0.0.1:1/0?password={SECRET}"))
    app.register(socketify_ext.load("cart", store=f"redis://:{SECRET}@127.0.0.1:1", secret=SECRET * 4))
    described = socketify_ext.inspect(app)
    assert {"request.get_user", "request.cart"} <= set(described.members)
    assert SECRET not in repr(described) + str(described) + repr(app.backplane) + app.backplane.name


def test_what_describes_an_app_shows_no_secret(tmp_path):
    (tmp_path / "secret_app.py").write_text(
        f"""
import socketify_ext

auth = socketify_ext.load("auth", tokens={{"{SECRET}": {{"name": "Ann"}}}})
backplane = socketify_ext.load("backplane", url="redis://:{SECRET}@127.0.0.1:1/0?password={SECRET}")

def run(app):
    socketify_ext.install(app)
    app.register(auth)
    app.register(backplane)
    app.register(socketify_ext.load("pm", inbox="redis://:{SECRET}@127.0.0.1:1"))
    app.register(socketify_ext.load("cart", store="redis://:{SECRET}@127.0.0.1:1", secret="{SECRET}" * 4))
"""
    )
    commands = [
        ["show", "secret_app:auth"],
        ["show", "secret_app:backplane", "--json"],
        ["tree", "secret_app:run"],
        ["stubs", "secret_app:run"],
        ["lock", "secret_app:run", "-o", "lock.json"],
    ]
    for command in commands:
        ended = subprocess.run(
            [sys.executable, "-m", "socketify_ext", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert SECRET not in ended.stdout + ended.stderr
    assert json.loads((tmp_path / "lock.json").read_text())
    assert SECRET not in (tmp_path / "lock.json").read_text()
