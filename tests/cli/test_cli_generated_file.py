"""Files that commands write: nobody else's is lost, none is left half written, no link is followed."""

from __future__ import annotations

import os
import stat

import pytest
from cli_program import Program

from socketify_ext.cli.generated_file import GeneratedFile
from socketify_ext.cli.lockfile import is_lock
from socketify_ext.cli.stubs.module import is_stub_module
from socketify_ext.conformance.junit import is_junit, junit_text
from socketify_ext.conformance.report import Finding, Report
from socketify_ext.errors import GeneratedFileError

FOREIGN = 'print("by hand")\n'
COMMANDS = {
    "stubs": ("stubs", "msgpack", "-o", "out.file"),
    "lock": ("lock", "msgpack", "-o", "out.file"),
    "check": ("check", "plain:plain", "--junit", "out.file"),
}
PLAIN = """
    import socketify_ext

    @socketify_ext.extension("plain")
    def plain(request, response, ws):
        "Add a city."
        request.property("city", "Oslo", type=str)
"""


def starts_with_own(content):
    return content.startswith(b"own")


def generated(path, **options):
    return GeneratedFile(path, "stub file", starts_with_own, **options)


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    program.write("plain", PLAIN)
    return program


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_replaces_its_own_file_and_others_only_by_force(program, name):
    file = program.folder / "out.file"
    file.write_text(FOREIGN)
    refused = program(*COMMANDS[name])
    assert refused.returncode == 1
    assert "EXT601" in refused.stderr
    assert "'out.file' can't be written: it is not a " in refused.stderr
    assert "--force" in refused.stderr
    assert file.read_text() == FOREIGN

    assert program(*COMMANDS[name], "--force").returncode == 0
    assert file.read_text() != FOREIGN
    assert program(*COMMANDS[name]).returncode == 0
    assert sorted(path.name for path in program.folder.iterdir() if path.is_file()) == ["out.file", "plain.py"]


def test_no_command_takes_the_file_of_another():
    files = {
        is_stub_module: b'"""Types of main:run, written by `socketify-ext stubs`; do not edit."""\n',
        is_lock: b'{"format": 99, "target": "main:run", "extensions": {}, "members": {}, "routes": {}}',
        is_junit: junit_text([Report("main:run", findings=[Finding("register", "wrong")])]).encode(),
    }
    for is_own in files:
        assert [each for each in files if is_own(files[each])] == [is_own]
    assert not is_junit(b'<?xml version="1.0"?><testsuites name="pytest tests"></testsuites>')
    assert not is_lock(b"[" * 100_000)


def test_names_that_xml_can_not_carry_make_a_report_that_can_be_read():
    from xml.etree import ElementTree as Xml

    (suite,) = Xml.fromstring(junit_text([Report("main:\x1b\x00\ud800")]))  # noqa: S314 - it is ours
    assert suite.get("name") == "main:"


@pytest.mark.parametrize("content", [None, "", "\n", "own, but older"])
def test_what_nobody_else_has_written_is_replaced(tmp_path, content):
    file = tmp_path / "file"
    if content is not None:
        file.write_text(content)
        file.chmod(0o640)
    generated(file).write("own \u20ac \ud800")
    assert file.read_bytes() == b"own \xe2\x82\xac \\ud800"
    if content is not None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("aim", ["own", "", None])
def test_a_link_is_not_followed(tmp_path, aim):
    other, link = tmp_path / "other", tmp_path / "link"
    if aim is not None:
        other.write_text(aim)
    link.symlink_to(other)
    with pytest.raises(GeneratedFileError, match=r"it is a symbolic link to .*other"):
        generated(link).write("own")
    assert link.is_symlink()
    generated(link, force=True).write("own, new")
    assert (link.is_symlink(), link.read_text()) == (False, "own, new")
    assert (other.read_text() if other.exists() else None) == aim


def test_a_read_only_file_is_replaced_by_force_only(tmp_path):
    file = tmp_path / "file"
    file.write_text("own")
    file.chmod(0o444)
    with pytest.raises(GeneratedFileError, match="it is read-only"):
        generated(file).write("own, new")
    generated(file, force=True).write("own, new")
    assert file.read_text() == "own, new"


def make_pipe(path):
    os.mkfifo(path)


def make_link_to_device(path):
    path.symlink_to(os.devnull)


@pytest.mark.parametrize("make", [os.mkdir, make_pipe, make_link_to_device])
@pytest.mark.parametrize("force", [False, True])
def test_folders_pipes_and_devices_are_never_written(tmp_path, make, force):
    path = tmp_path / "file"
    make(path)
    before = path.lstat()
    with pytest.raises(GeneratedFileError, match="it is not a regular file"):
        generated(path, force=force).write("own")
    assert path.lstat() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_while_a_target_is_looked_at_is_kept(tmp_path):
    file = generated(tmp_path / "file")
    file.check()
    (tmp_path / "file").write_text(FOREIGN)
    with pytest.raises(GeneratedFileError):
        file.write("own")
    assert (tmp_path / "file").read_text() == FOREIGN


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("own")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GeneratedFileError, match="No space left on device"):
        generated(file).write("own, new")
    assert file.read_text() == "own"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(GeneratedFileError, match="No such file"):
        generated(tmp_path / "none" / "file").write("own")


def test_commands_and_reports_write_files_by_this_module_only(request):
    package = request.config.rootpath / "socketify_ext"
    own = {"generated_file.py", "streams.py"}  # the latter opens the null device
    for folder in ("cli", "conformance"):
        for path in (package / folder).glob("*.py"):
            code = path.read_text()
            writes = [each for each in (".write_text(", ".write_bytes(", ".open(", 'open("') if each in code]
            assert not writes or path.name in own, (path.name, writes)
