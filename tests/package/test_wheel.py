from __future__ import annotations

import json
import zipfile


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
        (name, "builtin", "ok") for name in ("auth", "backplane", "cart", "json", "msgpack", "pm")
    ]


def test_an_installed_wheel_imports_and_loads_from_its_own_environment(bare_environment):
    code = "import socketify_ext; print(socketify_ext.load('msgpack').name, socketify_ext.__file__)"
    name, file = bare_environment.run("python", "-c", code).split()
    assert name == "msgpack"
    assert file.startswith(str(bare_environment.folder))
