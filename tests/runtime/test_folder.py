"""A served folder: no path leads out of it."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketify_ext.errors import HTTPError
from socketify_ext.runtime.files import folder as folder_module
from socketify_ext.runtime.files.folder import Folder, accepts, names_in, open_file
from socketify_ext.sdk.request_hooks import RequestHook

PIECES = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "//",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "\\",
        "%00",
        "\x00",
        "a",
        "b",
        "secret",
        "out",
        "up",
        "%",
        "%c0%ae",
        "a.txt",
        "secret.txt",
        ".hidden",
        "%25",
        "~",
        ":",
        " ",
        "é",
        "�",
        "\n",
        "%0d",
        "index.html",
        "private",
    ]
)
PATHS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=40)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    above = tmp_path_factory.mktemp("tree")
    inside = above / "inside"
    for name in ("a", "a/b", "private", "a/.hidden"):
        (inside / name).mkdir(parents=True, exist_ok=True)
    for name in ("secret.txt", "secret", "a.txt"):
        (above / name).write_text("outside")
    for name in ("a.txt", "a/a.txt", "a/index.html", "a/b/a.txt", "private/a.txt"):
        (inside / name).write_text("inside")
    for name in (".hidden/a.txt", "a/.hidden/a.txt"):
        (inside / name).parent.mkdir(exist_ok=True)
        (inside / name).write_text("outside")
    (inside / "out").symlink_to(above)
    (inside / "secret.txt").symlink_to(above / "secret.txt")
    (inside / "up").symlink_to("..")
    return inside


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500)
@given(path=PATHS)
def test_nothing_outside_of_the_folder_is_opened(tree, path):
    names = names_in(path)
    if names is None:
        return
    found = Folder(str(tree)).open(names, "br, gzip")
    if found is not None:
        with found.stream:
            assert found.read(0, 100) == b"inside"


@settings(deadline=None, max_examples=500)
@given(path=PATHS)
def test_a_hook_sees_the_names_that_are_served(path):
    names = names_in(path)
    if names is not None:
        for depth in range(1, len(names) + 1):
            if names[depth - 1]:
                hook = RequestHook("before_request", print, tuple(names[:depth]), None)
                assert hook.matches(f"/{path}")


@given(path=PATHS)
def test_a_name_is_a_plain_one(path):
    for name in names_in(path) or ():
        assert not name.startswith(".")
        assert not set(name) & set("/\\\0\n")


def test_only_files_are_opened(tree):
    os.mkfifo(tree / "pipe")
    for name in ("pipe", "a", "none", "out", "secret.txt", "a\0b", "x" * 300, "\ud800"):
        assert open_file(f"{tree}/{name}") is None


def test_a_process_without_descriptors_left_says_so(tree, monkeypatch):
    def refuse(path, flags):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(folder_module.os, "open", refuse)
    with pytest.raises(HTTPError) as caught:
        open_file(str(tree / "a.txt"))
    assert caught.value.status == 503


def test_a_folder_that_is_a_link_is_the_one_it_leads_to(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    found = Folder(str(tmp_path / "link")).open(["a.txt"], None)
    with found.stream:
        assert found.read(0, 6) == b"inside"
    assert Folder(str(tmp_path / "link")).path == str(Path(tree).resolve())


@given(header=st.text(max_size=60) | st.text("brgzip*;q=01., ", max_size=60))
def test_any_accept_encoding_can_be_read(header):
    assert accepts(header, "br") in (True, False)


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("br", True),
        ("BR", True),
        ("gzip, br;q=0.1", True),
        ("br;q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("*, br;q=0", False),
        ("br;q=nan", False),
        ("brotli", False),
        ("", False),
        (None, False),
    ],
)
def test_a_coding_is_allowed_or_not(header, allowed):
    assert accepts(header, "br") is allowed
