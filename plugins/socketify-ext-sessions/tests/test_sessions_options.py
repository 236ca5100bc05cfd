from __future__ import annotations

import ast
import re

import pytest
from pydantic import ValidationError
from session_apps import README, SECRET
from socketify_ext_sessions import Options

import socketify_ext


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "secret"),
        ({"secret": "short"}, "16 characters"),
        ({"secret": []}, "16 characters"),
        ({"secret": [SECRET, "short"]}, "16 characters"),
        ({"secret": SECRET, "idle_timeout": 0}, "idle_timeout"),
        ({"secret": SECRET, "absolute_timeout": -1}, "absolute_timeout"),
        ({"secret": SECRET, "cookie": "a;b"}, "cookie"),
        ({"secret": SECRET, "max_age": 5}, "max_age"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, text):
    with pytest.raises(socketify_ext.ExtensionError, match=rf"EXT104.*{text}") as refused:
        socketify_ext.load("sessions", **options)
    assert "'short'" not in str(refused.value)


def test_a_wrong_store_is_refused_at_registration():
    with pytest.raises(socketify_ext.ExtensionError, match="EXT510"):
        socketify_ext.App().register(socketify_ext.load("sessions", secret=SECRET, store="sessions.db"))


@pytest.mark.parametrize("tail", ["/1", "#1", "?1", "@1", "%", "\u2100", "["])
def test_a_password_that_is_not_encoded_is_refused_and_not_shown(tail):
    extension = socketify_ext.load("sessions", secret=SECRET, store=f"redis://ann:s3cret{tail}@127.0.0.1:1/0")
    with pytest.raises(socketify_ext.ExtensionError, match=r"EXT510.*the URL can't be used") as caught:
        socketify_ext.App().register(extension)
    assert "s3cret" not in str(caught.value)


def test_no_error_of_pydantic_quotes_what_was_given():
    for name in ("secret", "store"):
        with pytest.raises(ValidationError) as caught:
            Options(**{"secret": SECRET, name: {"s3cret": ["s3cret"]}})
        assert "input_value" not in str(caught.value)


def test_options_do_not_show_secrets():
    assert "s3cret" not in repr(Options(secret="s3cret" * 4, store="redis://:s3cret@host"))


def test_the_table_names_every_option_with_its_default():
    table = README.read_text().partition("\n## Options")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? *\|", table, re.MULTILINE))
    fields = Options.model_fields
    assert list(rows) == list(fields)
    for name, default in rows.items():
        assert (ast.literal_eval(default) if default else None) == (
            None if fields[name].is_required() else fields[name].default
        )


def test_the_members_are_those_of_the_table():
    app = socketify_ext.App()
    app.register(socketify_ext.load("sessions", secret=SECRET))
    members = {name.removeprefix("request.") for name in socketify_ext.inspect(app).members}
    table = README.read_text().partition("\n## Members")[2].partition("\n## ")[0]
    assert members == {name for name in re.findall(r"req\.(\w+)", table) if name in table.partition("\nA `Session`")[0]}
