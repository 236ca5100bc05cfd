"""A served folder: no path leads out of it."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketify_ext.errors import HTTPError
from socketify_ext.runtime.files import folder as folder_module
from socketify_ext.runtime.files.folder import Folder, names_in, open_file, plain_names
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
    found = Folder(str(tree)).open(names, lambda: ["br", "gzip"])
    if found is not None:
        with found.stream:
            assert found.read(0, 100) == b"inside"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500)
@given(path=PATHS)
def test_a_path_of_plain_names_leads_to_nothing_outside(tree, path):
    names = plain_names(path)
    found = None if names is None else Folder(str(tree)).open(names)
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
    def refuse(path, flags, **_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(folder_module.os, "open", refuse)
    with pytest.raises(HTTPError) as caught:
        open_file(str(tree / "a.txt"))
    assert caught.value.status == 503


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENXIO, errno.ELOOP, errno.EIO])
def test_a_file_that_cannot_be_opened_is_none(tree, monkeypatch, number):
    """403 would say that it exists."""

    def refuse(path, flags, **_):
        raise OSError(number, "refused")

    monkeypatch.setattr(folder_module.os, "open", refuse)
    assert open_file(str(tree / "a.txt")) is None
    assert Folder(str(tree)).open(["a", "a.txt"]) is None


def test_a_folder_that_is_a_link_is_the_one_it_leads_to(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    found = Folder(str(tmp_path / "link")).open(["a.txt"])
    with found.stream:
        assert found.read(0, 6) == b"inside"
    assert Folder(str(tmp_path / "link")).path == str(Path(tree).resolve())


def test_a_directory_that_becomes_a_link_while_it_is_looked_up_leads_nowhere(tree, monkeypatch):
    """The moment between resolving links and opening: whoever may write to the folder must not read outside of it."""
    (tree / "now").symlink_to("a")
    folder = Folder(str(tree))
    resolve = folder_module.os.path.realpath

    def resolve_and_swap(path):
        found = resolve(path)
        (tree / "a").rename(tree / "was")
        (tree / "a").symlink_to(tree.parent)
        return found

    monkeypatch.setattr(folder_module.os.path, "realpath", resolve_and_swap)
    try:
        assert folder.open(["now", "a.txt"]) is None
    finally:
        (tree / "a").unlink()
        (tree / "was").rename(tree / "a")
        (tree / "now").unlink()


def test_a_folder_that_is_made_anew_is_served(tmp_path):
    (tmp_path / "dist").mkdir()
    folder = Folder(str(tmp_path / "dist"))
    (tmp_path / "dist").rename(tmp_path / "old")
    assert folder.open(["a.txt"]) is None
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "a.txt").write_text("new")
    with folder.open(["a.txt"]).stream as stream:
        assert stream.read() == b"new"


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EMFILE])
def test_no_descriptor_stays_open_whatever_fails(tree, monkeypatch, number):
    """Each open in turn is refused."""
    (tree / "a" / "a.txt.br").write_text("compressed")
    (tree / "way").symlink_to("a/b")
    folder, opened, real_open = Folder(str(tree)), set(), os.open
    real_close = os.close

    def counted_open(path, flags, **options):
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(number, "too many")
        descriptor = real_open(path, flags, **options)
        opened.add(descriptor)
        return descriptor

    def counted_close(descriptor):
        opened.discard(descriptor)
        real_close(descriptor)

    monkeypatch.setattr(folder_module.os, "open", counted_open)
    monkeypatch.setattr(folder_module.os, "close", counted_close)
    refused = 0
    for names in (["a", "a.txt"], ["way", "a.txt"], ["a", "none"], ["a", "b"]):
        for allowed in range(8):
            left = allowed
            try:
                found = folder.open(names, lambda: ["br"])
            except HTTPError as error:
                refused += error.status == 503
            else:
                if found is not None:
                    opened.discard(found.stream.fileno())
                    found.stream.close()
            for descriptor in list(opened):  # a FileIO closes without os.close
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.fstat(descriptor)
                opened.discard(descriptor)
    assert refused > 8
    (tree / "way").unlink()
    (tree / "a" / "a.txt.br").unlink()


def test_names_of_any_script_are_names_and_control_characters_are_not():
    for name in ("Bildschirmfoto\u202f12.png", "\u3000", "a\u00a0b", "\U0001f468\u200d\U0001f469.png", "e\u0301"):
        assert names_in(name) == [name]
    for name in ("a\x00", "\x1f", "\x7f", "\x85"):
        assert names_in(name) is None


def test_another_case_of_a_name_is_another_name(tree, monkeypatch):
    """On macOS the file system finds `PRIVATE` for `private`, which a hook does not guard."""

    def on_disk(descriptor, command, buffer):
        assert (command, len(buffer)) == (50, 1024)
        return f"{tree}/private/e\u0301.txt".encode().ljust(1024, b"\0")

    monkeypatch.setattr(folder_module, "_GETPATH", 50)
    monkeypatch.setattr(folder_module.fcntl, "fcntl", on_disk)
    for directory in ("private", "PRIVATE"):
        (tree / directory).mkdir(exist_ok=True)
        (tree / directory / "\u00e9.txt").write_text("inside")
    folder = Folder(str(tree))
    assert folder.open(["PRIVATE", "\u00e9.txt"]) is None
    folder.open(["private", "\u00e9.txt"]).stream.close()


def test_a_path_of_very_many_names_is_none():
    assert names_in("a/" * 100 + "b") is not None
    assert plain_names("a/" * 100 + "b") is not None
    assert names_in("a/" * 101 + "b") is None
    assert plain_names("a/" * 101 + "b") is None
