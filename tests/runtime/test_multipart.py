"""The reader of multipart forms: whatever bytes come, however they are cut, within the limits."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from input_apps import multipart, part

from socketify_ext.errors import HTTPError, MissingExtraError
from socketify_ext.runtime.forms import multipart as forms_multipart
from socketify_ext.runtime.forms.limits import FormLimits
from socketify_ext.runtime.forms.multipart import find_boundary, load_parser, read_multipart

BOUNDARY = b"border"
LIMITS = FormLimits(max_files=3, max_fields=4, max_fields_size=300, max_file_size=500, max_memory=100)


class Memory:
    """Count what is held, up to a limit."""

    def __init__(self, most=1000):
        self.most, self.held, self.released = most, 0, 0

    def reserve(self, size):
        if size > 0 and self.held + size > self.most:
            return False
        self.held += size
        assert self.held >= 0
        return True

    def release(self):
        self.released += 1
        self.held = 0


async def read_async(chunks, limits, memory):
    async def body():
        for chunk in chunks:
            yield chunk

    form = await read_multipart(body(), BOUNDARY, limits, memory.reserve, memory.release)
    found = [
        (name, value if isinstance(value, str) else (value.filename, value.content_type, await value.read()))
        for name in form
        for value in form.get_list(name)
    ]
    form.close()
    return found


def read(chunks, limits=LIMITS, memory=None):
    """Return the names and values of a form, or the status of its error."""
    memory = memory or Memory()
    try:
        return asyncio.run(read_async(chunks, limits, memory))
    except HTTPError as error:
        return error.status if len(error.detail) < 200 else error.detail
    finally:
        assert memory.released == 1


def cut(content, places):
    places = sorted({0, len(content), *(place % (len(content) + 1) for place in places)})
    return [content[start:end] for start, end in itertools.pairwise(places)]


NAMES = st.sampled_from(["", "a", "b", "é", 'q"', "../x", "a.png", "x" * 90])
PARTS = st.builds(
    part,
    st.sampled_from(["a", "b", "é", ""]),
    st.binary(max_size=200),
    st.none() | NAMES,
    st.sampled_from([None, "image/png", "\t"]),
)
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                b"--border",
                b"--border--",
                b"\r\n",
                b"\n",
                b"\r",
                b"--",
                b":",
                b";",
                b'"',
                b"\\",
                b"%22",
                b"=",
                b" ",
                b"\t",
                b"\x00",
            ),
            *(
                b"Content-Disposition: form-data; ",
                b'name="a"',
                b'filename="b"',
                b"filename*=UTF-8''c",
                b"name=",
                b"\xff",
            ),
            *(
                b"Content-Type: image/png",
                b"Content-Length: 5",
                b"Content-Length: -1",
                b"X: y",
                b"form-data",
                b"x" * 500,
            ),
        ]
    )
    | st.binary(max_size=20),
    max_size=40,
).map(b"".join)
PLACES = st.lists(st.integers(0, 5000), max_size=20)


@given(st.lists(PARTS, max_size=6), PLACES)
def test_a_form_is_the_same_however_its_body_is_cut(parts, places):
    content = multipart(*parts)
    assert read(cut(content, places)) == read([content])


@given(PIECES, PLACES)
@settings(max_examples=300)
def test_pieces_of_forms_end_in_a_form_or_in_a_4xx(content, places):
    for each in (content, b"--border\r\n" + content, multipart(content)):
        found = read(cut(each, places))
        assert isinstance(found, list) or found in (400, 413)


@given(st.lists(PARTS, min_size=1, max_size=4), st.data())
@settings(max_examples=300)
def test_a_damaged_form_ends_in_a_form_or_in_a_4xx(parts, data):
    content = bytearray(multipart(*parts))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    found = read(cut(bytes(content), data.draw(PLACES)))
    assert isinstance(found, list) or found in (400, 413)


def test_bytes_are_not_lost_between_memory_and_disk():
    values = {f"f{number}": bytes([number]) * size for number, size in enumerate((90, 30, 400))}
    content = multipart(*(part(name, value, name) for name, value in values.items()))
    for step in (1, 7, 64, 10_000):
        chunks = [content[start : start + step] for start in range(0, len(content), step)]
        assert [(name, value[2]) for name, value in read(chunks)] == list(values.items())


def test_files_go_to_disk_where_the_server_has_no_room_and_fields_are_refused():
    assert read([multipart(part("a", b"x" * 50, "f"))], memory=Memory(10))[0][1][2] == b"x" * 50
    assert read([multipart(part("a", b"x" * 50))], memory=Memory(10)) == 503


def test_a_disk_that_takes_no_more_is_a_503(monkeypatch, caplog):
    def full(self):
        raise OSError(28, "No space left on device: /secret/place")

    monkeypatch.setattr(forms_multipart.UploadedFile, "move_to_disk", full)
    assert read([multipart(part("a", b"x" * 200, "f"))]) == 503
    assert "a file of a form can't be stored" in caplog.text


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; Boundary="a b:c"', b"a b:c"),
        ("multipart/form-data;boundary=----WebKitFormBoundaryX ; x=y", b"----WebKitFormBoundaryX"),
    ],
)
def test_the_boundary_is_found(content_type, boundary):
    assert find_boundary(content_type) == boundary


def test_another_module_of_the_parsers_name_is_a_missing_extra(monkeypatch):
    import multipart as parser

    monkeypatch.delattr(parser, "PushMultipartParser")
    with pytest.raises(MissingExtraError, match="socketify-ext\\[forms\\]"):
        load_parser()
