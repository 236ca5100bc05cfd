"""A form as a mapping, its limits, and urlencoded ones."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext import Form, UploadedFile
from socketify_ext.errors import HTTPError
from socketify_ext.runtime.forms.limits import FormLimits
from socketify_ext.runtime.forms.urlencoded import read_urlencoded


def test_a_form_has_the_last_value_of_each_name_and_lists_of_all():
    file = UploadedFile("a", None, b"x")
    form = Form([("a", "1"), ("b", "2"), ("a", "3"), ("a", file)])
    assert (form["a"], form["b"], form.get("c"), list(form), len(form)) == (file, "2", None, ["a", "b"], 2)
    assert form.get_list("a") == ["1", "3", file]
    assert form.get_list("c") == []
    assert form.fields == {"a": ["1", "3"], "b": ["2"]}
    assert form.files == {"a": [file]}
    form.close()
    assert file._file is None


def test_what_people_type_is_not_shown():
    assert repr(Form([("password", "secret")])) == "<Form of 1 names>"


def test_a_form_is_released_once():
    released = []
    form = Form([], 0, lambda: released.append(1))
    form.close()
    form.close()
    assert released == [1]


@pytest.mark.parametrize("name", FormLimits._fields)
def test_limits_are_numbers(name):
    with pytest.raises(TypeError):
        FormLimits(**{name: "1"}).checked()
    with pytest.raises(ValueError, match=f"{name}=-1 is negative"):
        FormLimits(**{name: -1}).checked()
    if name != "max_file_size":
        with pytest.raises(TypeError):
            FormLimits(**{name: None}).checked()


@given(st.binary(max_size=300) | st.text("&=%+aé;", max_size=60).map(str.encode))
def test_any_bytes_are_an_urlencoded_form(data):
    for name, value in read_urlencoded(data):
        assert isinstance(name, str)
        assert isinstance(value, str)


def test_more_fields_than_allowed_are_a_413_before_they_are_decoded():
    assert len(read_urlencoded(b"a&b&c", 3)) == 3
    with pytest.raises(HTTPError) as raised:
        read_urlencoded(b"&a" * 100_000, 1000)
    assert raised.value.status == 413


@given(st.lists(st.tuples(st.text(), st.text())))
def test_what_a_browser_writes_is_read_back(pairs):
    assert read_urlencoded(urlencode(pairs).encode()) == pairs


@given(st.text("&=%+aé4f;\xff", max_size=60))
def test_a_form_is_read_as_the_standard_module_reads_it(text):
    assert read_urlencoded(text.encode()) == parse_qsl(text, keep_blank_values=True, errors="replace")
