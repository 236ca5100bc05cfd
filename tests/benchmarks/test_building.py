"""benchmarks/building.py builds the speedups of this checkout, and says why where it can't."""

import pytest


class Pip(list):
    """The commands of pip, and the errors of those that fail."""

    def __init__(self):
        super().__init__()
        self.fails = {}


@pytest.fixture
def building(script):
    return script("building")


@pytest.fixture
def sources(building, monkeypatch, tmp_path):
    """Return a folder of sources that is built in place of the speedups'."""
    folder = tmp_path / "speedups"
    folder.mkdir()
    (folder / "module.c").write_text("int one;")
    (folder / "setup.py").write_text("setup()")
    monkeypatch.setattr(building, "ROOT", tmp_path)
    monkeypatch.setattr(building, "SPEEDUPS", folder)
    return folder


@pytest.fixture
def inside(tmp_path):
    """Return the interpreter of an environment."""
    python = tmp_path / "subject" / "bin" / "python"
    python.parent.mkdir(parents=True)
    return python


@pytest.fixture
def pip(building, monkeypatch):
    """Return what pip has been told, with the sources that it was given; an entry of `fails` makes a command fail."""
    told = Pip()

    def run(*command, **_):
        what = next(word for word in command if word in ("install", "uninstall"))
        told.append((what, sorted(file.name for file in command[-1].iterdir()) if what == "install" else command[-1]))
        if what in told.fails:
            raise RuntimeError(told.fails[what])

    monkeypatch.setattr(building, "run", run)
    return told


def test_the_speedups_are_built_once(building, sources, inside, pip):
    assert building.speedups(inside) is None
    assert building.speedups(inside) is None
    assert pip == [("install", ["module.c", "setup.py"])]


@pytest.mark.parametrize("name", ["module.c", "setup.py", "other.c", "pyproject.toml"])
def test_a_change_of_a_source_builds_them_again(building, sources, inside, pip, name):
    building.speedups(inside)
    (sources / name).write_text("int two;")
    building.speedups(inside)
    assert len(pip) == 2


def test_what_an_earlier_build_left_is_not_taken(building, sources, inside, pip):
    before = building.fingerprint(sources)
    (sources / "build").mkdir()
    (sources / "build" / "module.o").write_text("old")
    assert building.fingerprint(sources) == before
    building.speedups(inside)
    assert pip == [("install", ["module.c", "setup.py"])]


def test_where_they_cannot_be_built_the_old_ones_go_and_the_reason_stays(building, sources, inside, pip):
    building.speedups(inside)
    (sources / "module.c").write_text("int two;")
    pip.fails = {"install": "error: gcc not found"}
    assert building.speedups(inside) == "error: gcc not found"
    assert pip[-1] == ("uninstall", "socketify-ext-speedups")
    pip.fails = {}
    assert building.speedups(inside) is None
    assert [what for what, _ in pip] == ["install", "install", "uninstall", "install"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("a.c:14:10: fatal error: Python.h: No such file\n error: Command '[cc]' failed\n", "Python.h: No such file"),
        (
            "  error: [Errno 2] No such file: 'cc'\nnote: This error originates from a subprocess\n",
            "No such file: 'cc'",
        ),
        ("error: command 'cc' failed\nERROR: Failed building wheel for x\nerror: failed-wheel-build", "'cc' failed"),
        ("something\nImportError: no\nmore", "ImportError: no"),
        ("one\ntwo", "two"),
        ("", "it failed without a word"),
    ],
)
def test_a_reason_is_what_a_compiler_says_and_not_what_pip_says_of_it(building, written, reason):
    assert building.reason(written).endswith(reason)
