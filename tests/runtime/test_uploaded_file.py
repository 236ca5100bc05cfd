"""Files of forms: read, saved, closed, and named harmlessly."""

import asyncio
import gc
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from socketify_ext import UploadedFile
from socketify_ext.errors import BodyError
from socketify_ext.runtime.forms.uploaded_file import safe_name


@pytest.fixture(params=["memory", "disk"])
def file(request):
    file = UploadedFile("a.txt", "text/plain", b"0123456789")
    if request.param == "disk":
        file.move_to_disk()
    yield file
    file.close()


def test_a_file_is_read_whole_in_parts_and_again(file):
    async def read():
        found = [await file.read(4), await file.read(), await file.read()]
        await file.seek(8)
        return [*found, await file.read()]

    assert asyncio.run(read()) == [b"0123", b"456789", b"", b"89"]


def test_a_file_is_a_file_for_libraries(file):
    assert file.file.seekable()
    assert file.file.read(2) == b"01"


def test_a_file_is_saved_whole_wherever_it_was_read(file, tmp_path):
    async def save():
        await file.read(4)
        await file.save(tmp_path / "one")
        await file.save(str(tmp_path / "two"))
        return await file.read(2)

    assert asyncio.run(save()) == b"01"
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == b"0123456789"


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(file, tmp_path):
    path = tmp_path / "there"
    path.write_text("of somebody else")
    with pytest.raises(FileExistsError):
        asyncio.run(file.save(path))
    assert path.read_text() == "of somebody else"
    asyncio.run(file.save(path, overwrite=True))
    assert path.read_bytes() == b"0123456789"


def test_half_of_a_file_is_not_left_behind(file, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(file.save(tmp_path / "half"))
    assert list(tmp_path.iterdir()) == []


def test_a_closed_file_says_what_to_do(file, tmp_path):
    file.close()
    file.close()
    for use in (file.read, lambda: file.save(tmp_path / "x"), lambda: file.seek(0)):
        with pytest.raises(BodyError, match="before the handler returns"):
            asyncio.run(use())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_dropped_is_closed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = UploadedFile("a", None, b"x")
        file.move_to_disk()
        kept = file.file
        del file
        gc.collect()
    assert kept.closed


@given(
    st.text(alphabet=st.characters(codec=None))
    | st.lists(st.sampled_from([*"./\\:\x00\n a~é", "..", "con", "\u202e", "\ud800"])).map("".join)
)
def test_whatever_a_client_calls_its_file_the_name_is_one_step_and_no_hidden_one(name):
    safe = safe_name(name)
    assert not set(safe) & {"/", "\\", "\x00", "\n", "\u202e"}
    assert safe.strip(". ") == safe
    assert len(safe.encode()) <= 255
    assert safe_name(safe) == safe


def test_a_long_name_keeps_its_end():
    assert safe_name("x" * 300 + ".png") == "x" * 251 + ".png"


@pytest.mark.parametrize("kind", [None, "", "text", "a/b\r\nSet-Cookie: x", "é/é", "text/html; x", "a" * 200 + "/b"])
def test_a_type_that_is_none_is_not_taken_over(kind):
    assert UploadedFile("a", kind).content_type == "application/octet-stream"


class Upload(BaseModel):
    file: UploadedFile
    more: list[UploadedFile] = []


def test_pydantic_takes_a_file_and_nothing_else():
    file = UploadedFile("a", None, b"x")
    assert Upload(file=file, more=[file]).file is file
    for wrong in ("a", b"x", None, 5):
        with pytest.raises(ValidationError, match="Input should be a file"):
            Upload(file=wrong)
    assert Upload.model_json_schema()["properties"]["file"] == {"format": "binary", "title": "File", "type": "string"}
