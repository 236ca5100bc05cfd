"""RFC 6266: the name of a download, with RFC 8187's encoding."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.files.disposition import attachment


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("two words;x.pdf", 'attachment; filename="two words;x.pdf"'),
        ("Überblick.pdf", "attachment; filename=\"_berblick.pdf\"; filename*=UTF-8''%C3%9Cberblick.pdf"),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("100%25.txt", "attachment; filename=\"100_25.txt\"; filename*=UTF-8''100%2525.txt"),
        ("../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'),
        ("..\\evil.exe", 'attachment; filename=".._evil.exe"'),
        ("a\r\nSet-Cookie: x=1", 'attachment; filename="a__Set-Cookie: x=1"'),
        ("gpj\u202eexe.png", 'attachment; filename="gpj_exe.png"'),
        ("\ud800", 'attachment; filename="_"'),
        ("", 'attachment; filename=""'),
        ("a" * 300 + ".pdf", f'attachment; filename="{"a" * 197}.pdf"'),
        ("b" * 100_000, f'attachment; filename="{"b" * 200}"'),
        ("." + "c" * 100_000, f'attachment; filename=".{"c" * 199}"'),
    ],
)
def test_rfc6266_4_3_a_name_is_quoted_and_encoded_where_it_must_be(name, expected):
    assert attachment(name) == expected


@given(name=st.text())
def test_rfc8187_3_2_the_encoded_name_is_the_name(name):
    value = attachment(name)
    found = re.fullmatch(
        r"attachment; filename=\"([ !#$&-\[\]-~]*)\"(?:; filename\*=UTF-8''([!#$&+\-.^_`|~0-9A-Za-z%]+))?", value
    )
    assert found
    saved = unquote(found[2], errors="strict") if found[2] else found[1]
    assert not set(saved) & set("/\\\r\n\0")
    assert len(saved) == min(len(name), 200)
