from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from socketify_ext_cache import Options, cache
from socketify_ext_cache.entry import Entry

from socketify_ext import ExtensionError

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"store": "ftp://x"}, "store"),
        ({"store": "memory://?x=1"}, "memory URL"),
        ({"prefix": ""}, "prefix"),
        ({"max_size": 0}, "max_size"),
        ({"seconds": 5}, "seconds"),
    ],
)
def test_options_that_can_not_work_are_refused(options, why):
    with pytest.raises(ValidationError, match=why):
        Options(**options)


def test_the_password_of_the_store_is_not_shown():
    loaded = cache.configured(store="redis://:s3cret@host/0")
    assert "s3cret" not in repr(loaded) + repr(loaded.validated_options())
    with pytest.raises(ExtensionError) as caught:
        cache.configured(store="s3cret")
    assert "s3cret" not in str(caught.value)


def test_the_table_names_every_option():
    table = README.partition("## Options")[2].partition("\n| `cache=`")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Options.model_fields)


@given(st.floats(0, 1e10), st.lists(st.tuples(st.text(), st.text())), st.binary())
def test_an_entry_is_read_as_it_was_written(made, headers, body):
    entry = Entry(made, tuple(headers), body)
    assert Entry.load(entry.dump()) == entry


@given(st.binary() | st.text().map(str.encode))
def test_other_bytes_are_no_entry(data):
    found = Entry.load(data)
    assert found is None or Entry.load(found.dump()) == found
