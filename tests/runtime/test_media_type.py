"""Media types by name, the same on every machine and for every name."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.files.media_type import media_type
from socketify_ext.runtime.headers import encode_value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("A.HTML", "text/html; charset=utf-8"),
        ("a.min.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.wasm", "application/wasm"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.woff2", "font/woff2"),
        ("a.jpg", "image/jpeg"),
        ("a.ogg", "audio/ogg"),
        ("a.bmp", "image/bmp"),
        ("a.rtf", "application/rtf"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.pdf", "application/pdf"),
        ("a.tar.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.svgz", "application/gzip"),
        ("a.html.br", "application/octet-stream"),
        ("a.tar.zst", "application/zstd"),
        ("a.tar.xz", "application/x-xz"),
        ("a", "application/octet-stream"),
        (".html", "text/html; charset=utf-8"),
        ("a.unknown", "application/octet-stream"),
        ("a:b.html", "text/html; charset=utf-8"),
        ("data:,.html", "text/html; charset=utf-8"),
        ("http://x/a.html", "text/html; charset=utf-8"),
        ("a.html?b.txt", "text/plain; charset=utf-8"),
    ],
)
def test_rfc9110_8_3_a_name_has_a_type(name, expected):
    assert media_type(name) == expected


@given(
    name=st.text(max_size=40) | st.lists(st.sampled_from([".html", ".gz", ".", "a", ";", ":", "/", "?"])).map("".join)
)
def test_any_name_has_a_type_that_can_be_sent(name):
    assert encode_value(media_type(name))


def test_the_types_of_the_machine_are_not_asked(tmp_path):
    """A table of the system that the standard library reads may say what it wants."""
    (tmp_path / "mime.types").write_text("application/x-wrong js html css\n")
    program = (
        f"import mimetypes; mimetypes.knownfiles[:] = [{str(tmp_path / 'mime.types')!r}]; mimetypes.init(); "
        "from socketify_ext.runtime.files.media_type import media_type; print(media_type('a.js'), media_type('a.html'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["text/javascript;", "charset=utf-8", "text/html;", "charset=utf-8"]
