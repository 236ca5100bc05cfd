from __future__ import annotations

import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from environments import run

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_the_package_its_types_and_its_license_alone(wheels):
    with zipfile.ZipFile(wheels["socketify-ext"]) as wheel:
        names = wheel.namelist()
    assert {"socketify_ext/py.typed", "socketify-stubs/py.typed", "socketify-stubs/__init__.pyi"} <= {*names}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    folders = {name.partition("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "socketify_ext",
        "socketify-stubs",
    }


def test_an_installed_wheel_lists_the_built_ins_and_nothing_else(bare_environment):
    listed = json.loads(bare_environment.run("socketify-ext", "list", "--json"))
    assert [(each["name"], each["source"], each["status"]) for each in listed] == [
        (name, "builtin", "ok")
        for name in ("auth", "backplane", "cart", "inspector", "json", "msgpack", "pm", "schema")
    ]


def test_an_installed_wheel_imports_and_loads_from_its_own_environment(bare_environment):
    code = "import socketify_ext; print(socketify_ext.load('msgpack').name, socketify_ext.__file__)"
    name, file = bare_environment.run("python", "-c", code).split()
    assert name == "msgpack"
    assert file.startswith(str(bare_environment.folder))


def test_the_source_distribution_holds_all_that_is_developed(tmp_path):
    pytest.importorskip("hatchling")
    ignored = (".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()))
    folders = {path.name for path in ROOT.iterdir() if not any(map(path.match, ignored))}
    code = f"from hatchling.build import build_sdist; build_sdist({str(tmp_path)!r})"
    run(sys.executable, "-c", code, cwd=ROOT)
    (file,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        assert folders <= {name.split("/")[1] for name in archive.getnames()}
