"""Discovery in real environments, with what is left and put there over the years."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile

import pytest
from environments import Environment, run
from small_wheels import SmallWheel

BUILT_INS = ["auth", "backplane", "cart", "inspector", "json", "msgpack", "pm", "schema"]
SHOP = '''
import socketify_ext

@socketify_ext.extension("{name}")
def {name}(request, response, ws):
    """Sell."""
    request.property("{name}_version", "{version}")
'''
# Say what each name loads, and that an extension of the program's own can be registered.
PROGRAM = """
import json, sys
import socketify_ext

def tried(name):
    try:
        found = socketify_ext.load(name)
        return [found.distribution, found.version, found.summary]
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def own(request, response, ws):
    request.property("own", 1)

result = {name: tried(name) for name in sys.argv[1:]}
try:
    app = socketify_ext.App()
    app.register(own)
    result["own"] = list(socketify_ext.inspect(app).members)
except Exception as error:
    result["own"] = f"{type(error).__name__}: {error}"
print(json.dumps(result))
"""


def shop(name="shop", version="1.0", **points):
    files = {f"{name}_package/__init__.py": SHOP.format(name=name, version=version)}
    return SmallWheel(f"dist-{name}", version, files, **(points or {"socketify_ext": {name: f"{name}_package:{name}"}}))


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheels):
    """Install the package and one small plugin with pip."""
    folder = tmp_path_factory.mktemp("real")
    made = Environment(folder / "environment")
    made.install(wheels["socketify-ext"], shop().write(folder))
    return made


@pytest.fixture
def packages(environment):
    """Return the environment's site-packages; what a test puts there is gone after it."""
    before = {*environment.packages.iterdir()}
    yield environment.packages
    for path in {*environment.packages.iterdir()} - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def listed(environment, *arguments, **variables):
    """Return the rows of `list` beside those of the built-ins, and what it writes to standard error."""
    done = subprocess.run(
        [environment.program("python"), *arguments, "-m", "socketify_ext", "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=environment.folder,
        env={**environment.variables, **variables},
    )
    rows = json.loads(done.stdout)
    assert [(row["name"], row["status"]) for row in rows if row["source"] == "builtin"] == [
        (name, "ok") for name in BUILT_INS
    ]
    return [row for row in rows if row["source"] != "builtin"], done.stderr


def loaded(environment, *names, warned="", **variables):
    """Return what each name loads in a program of its own."""
    command = [environment.program("python"), "-c", PROGRAM, *names]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        cwd=environment.folder,
        env={**environment.variables, **variables},
    )
    assert warned in done.stderr if warned else not done.stderr
    result = json.loads(done.stdout)
    assert result.pop("own") == ["request.own"]
    return [result[name] for name in names]


def test_a_plugin_that_pip_has_installed_is_found(environment):
    rows, told = listed(environment)
    assert [(row["name"], row["version"], row["status"], row["kind"]) for row in rows] == [
        ("shop", "1.0", "ok", "extension")
    ]
    assert told == ""
    assert loaded(environment, "shop", "dist-shop:shop", "msgpack")[:2] == [["dist-shop", "1.0", "Sell."]] * 2


def test_a_folder_that_an_interrupted_pip_has_left_blocks_nothing(environment, packages):
    shutil.copytree(packages / "dist_shop-1.0.dist-info", packages / "~ist_shop-0.9.dist-info")
    shutil.copytree(packages / "shop_package", packages / "~hop_package")
    rows, told = listed(environment)
    assert [(row["name"], row["version"], row["status"]) for row in rows] == [("shop", "1.0", "ok")]
    assert told == (
        f"warning: {packages}/~ist_shop-0.9.dist-info is left out: it is not the metadata of what is installed. Remove it\n"
    )
    assert loaded(environment, "shop", "dist-shop:shop") == [["dist-shop", "1.0", "Sell."]] * 2


def test_of_several_metadata_folders_of_one_distribution_the_latest_version_counts(environment, packages):
    for version in ("0.9", "0.10", "0.9rc1"):
        shop("bread", version, socketify_ext={f"bread{version[-1]}": "bread_package:bread"}).unpack(packages)
    shop("bread", "0.11").unpack(packages)
    (packages / "dist_bread-0.12.dist-info").mkdir()  # what an uninstallation leaves where it lacks permissions
    (packages / "dist_bread-0.12.dist-info" / "entry_points.txt").write_text("[socketify_ext]\nbread = gone:gone\n")
    rows, told = listed(environment)
    assert [(row["name"], row["version"], row["status"]) for row in rows] == [
        ("bread", "0.11", "ok"),
        ("shop", "1.0", "ok"),
    ]
    assert told.count("is left out") == 4
    assert loaded(environment, "bread") == [["dist-bread", "0.11", "Sell."]]


def test_the_same_entry_point_twice_is_one(environment, packages):
    wheel = shop("twice")
    wheel.files[f"{wheel.info}/entry_points.txt"] *= 2
    wheel.unpack(packages)
    assert [(row["name"], row["status"]) for row in listed(environment)[0]] == [("shop", "ok"), ("twice", "ok")]
    assert loaded(environment, "twice") == [["dist-twice", "1.0", "Sell."]]


def test_one_name_with_two_values_is_broken_and_says_so(environment, packages):
    wheel = shop("torn")
    wheel.files[f"{wheel.info}/entry_points.txt"] += "torn = torn_package:other\n"
    wheel.unpack(packages)
    (row, _), _ = listed(environment), None
    torn = next(each for each in row if each["name"] == "torn")
    reason = "its entry_points.txt has it several times: torn_package:torn and torn_package:other"
    assert (torn["status"], torn["error"]) == ("broken", reason)
    (told,) = loaded(environment, "torn")
    assert told.startswith("BrokenPluginError: [EXT301] plugin dist-torn 1.0 can't provide extension 'torn'")
    assert reason in told


@pytest.mark.parametrize("malformed", ["[console_scripts]\nno equals sign here\n", "[other]\nb\xe9 = \xff\n"])
def test_metadata_of_a_neighbour_that_can_not_be_read_harms_nobody_and_is_named(environment, packages, malformed):
    shop("neighbour", socketify_ext={}).unpack(packages)
    broken = packages / "dist_neighbour-1.0.dist-info" / "entry_points.txt"
    broken.write_bytes(malformed.encode("latin-1"))
    assert [(row["name"], row["status"]) for row in listed(environment)[0]] == [("shop", "ok")]
    named = f"pydantic can't load its plugins: {broken.parent} has an entry_points.txt that can't be read"
    assert loaded(environment, "shop", "msgpack", "cart", warned=named)[0] == ["dist-shop", "1.0", "Sell."]
    shown = environment.run("socketify-ext", "show", "cart")
    assert shown.startswith("cart (socketify-ext ")


def test_a_line_of_ours_that_can_not_be_read_leaves_the_others(environment, packages):
    wheel = shop("odd")
    wheel.files[f"{wheel.info}/entry_points.txt"] += "no equals sign\n"
    wheel.unpack(packages)
    rows, _ = listed(environment)
    assert [(row["name"], row["status"]) for row in rows] == [("dist-odd", "broken"), ("odd", "ok"), ("shop", "ok")]
    assert "'no equals sign' is not of the form name = module:attribute" in rows[0]["error"]


def test_a_distribution_without_metadata_is_known_by_its_folder(environment, packages):
    wheel = shop("bare", "3.2")
    del wheel.files[f"{wheel.info}/METADATA"]
    wheel.unpack(packages)
    assert [(row["distribution"], row["version"]) for row in listed(environment)[0]] == [
        ("dist-bare", "3.2"),
        ("dist-shop", "1.0"),
    ]
    assert loaded(environment, "bare", "dist-bare:bare") == [["dist-bare", "3.2", "Sell."]] * 2


@pytest.mark.parametrize("points", [{}, {"socketify_ext": {"cart": "os:system"}}])
def test_metadata_named_like_ours_earlier_on_the_path_hides_nothing(environment, tmp_path, points):
    SmallWheel("socketify-ext", "9.9", {}, **points).unpack(tmp_path)
    rows, _ = listed(environment, PYTHONPATH=str(tmp_path))
    assert [row["name"] for row in rows] == ["shop"]
    version = environment.run("python", "-c", "import socketify_ext; print(socketify_ext.__version__)").strip()
    told = loaded(environment, "cart", "socketify-ext:cart", PYTHONPATH=str(tmp_path))
    assert [each[:2] for each in told] == [["socketify-ext", version]] * 2


HOOKS = "raise RuntimeError('no licence')\n"


def test_hooks_that_fail_are_listed_with_their_reason_and_extensions_go_on(environment, packages):
    files = {"hooks_package.py": HOOKS, "quiet_hooks.py": "from socketify_ext import hookimpl\n"}
    points = {"audit": "hooks_package", "quiet": "quiet_hooks", "gone": "gone_hooks:hooks"}
    SmallWheel("dist-hooks", "2.0", files, socketify_ext_hooks=points).unpack(packages)
    rows = {row["name"]: row for row in listed(environment)[0]}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "shop": "extension",
        "audit": "hooks",
        "quiet": "hooks",
        "gone": "hooks",
    }
    assert {name: row["status"] for name, row in rows.items()} == {
        "shop": "ok",
        "audit": "broken",
        "quiet": "ok",
        "gone": "broken",
    }
    assert rows["audit"]["error"] == "RuntimeError: no licence (hooks_package.py:1)"
    assert rows["gone"]["error"] == "module 'gone_hooks' does not exist"
    table = environment.run("socketify-ext", "list")
    assert "audit (hooks)" in table
    assert "RuntimeError: no licence" in table
    blocked, _ = listed(environment, SOCKETIFY_EXT_DISABLE="audit,gone")
    assert {row["name"]: row["status"] for row in blocked}["audit"] == "blocked"


# As setuptools writes one for packages that are not where their names say: a finder that a .pth file installs.
FINDER = """
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location

MAPPING = {mapping!r}
PLACEHOLDER = __name__ + ".placeholder"

class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            folder = MAPPING[name]
            return spec_from_file_location(name, folder + "/__init__.py", submodule_search_locations=[folder])

class Namespaces:
    @classmethod
    def hook(cls, path):
        if path != PLACEHOLDER:
            raise ImportError
        return cls

    @classmethod
    def find_spec(cls, name, target=None):
        if any(mapped.startswith(name + ".") for mapped in MAPPING):
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [PLACEHOLDER]
            return spec

    @classmethod
    def invalidate_caches(cls):
        pass

def install():
    sys.meta_path.append(Finder)
    sys.path_hooks.append(Namespaces.hook)
    sys.path.append(PLACEHOLDER)
"""
EDITABLE = '{"dir_info": {"editable": true}, "url": "file:///source"}'


@pytest.mark.parametrize("package", ["acme.mapped", "acme.inner.mapped", "plainmap"])
def test_a_package_that_a_finder_of_setuptools_maps_to_another_folder_is_sound(
    environment, packages, tmp_path, package
):
    source = tmp_path / "code"
    source.mkdir()
    (source / "__init__.py").write_text("raise_if_imported = 1\n")
    (source / "ext.py").write_text(SHOP.format(name="mapped", version="1.0"))
    files = {
        "editable_finder.py": FINDER.format(mapping={package: str(source)}),
        "editable.pth": "import editable_finder; editable_finder.install()\n",
    }
    wheel = SmallWheel("acme-mapped", "1.0", files, socketify_ext={"mapped": f"{package}.ext:mapped"})
    wheel.files[f"{wheel.info}/direct_url.json"] = EDITABLE
    wheel.unpack(packages)
    rows = {row["name"]: (row["status"], row["error"]) for row in listed(environment)[0]}
    assert rows["mapped"] == ("ok", None)
    assert loaded(environment, "mapped") == [["acme-mapped", "1.0", "Sell."]]


@pytest.mark.parametrize("folder", ["acme/shelf", "acme/inner/shelf", "src/acme/shelf"])
def test_a_namespace_package_on_a_path_of_its_own_is_sound(environment, packages, tmp_path, folder):
    package = tmp_path / folder
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "ext.py").write_text(SHOP.format(name="shelf", version="1.0"))
    root = tmp_path / "src" if folder.startswith("src/") else tmp_path
    module = folder.removeprefix("src/").replace("/", ".")
    files = {"acme_shelf.pth": f"{root}\n", "acme/neighbour/__init__.py": ""}
    SmallWheel("acme-shelf", "1.0", files, socketify_ext={"shelf": f"{module}.ext:shelf"}).unpack(packages)
    assert [(row["name"], row["status"], row["error"]) for row in listed(environment)[0]] == [
        ("shelf", "ok", None),
        ("shop", "ok", None),
    ]
    assert loaded(environment, "shelf") == [["acme-shelf", "1.0", "Sell."]]


PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-hatched"
version = "1.0"

[project.entry-points.socketify_ext]
hatched = "acme.hatched.ext:hatched"

[tool.hatch.build]
dev-mode-dirs = ["."]

[tool.hatch.build.targets.wheel]
packages = ["acme"]
"""


def test_an_editable_installation_of_hatch_is_sound(environment, packages, tmp_path):
    (tmp_path / "acme" / "hatched").mkdir(parents=True)
    (tmp_path / "acme" / "hatched" / "__init__.py").touch()
    (tmp_path / "acme" / "hatched" / "ext.py").write_text(SHOP.format(name="hatched", version="1.0"))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    run(sys.executable, "-c", "from hatchling.build import build_editable; build_editable('.')", cwd=tmp_path)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(packages)
    assert {row["name"]: row["status"] for row in listed(environment)[0]}["hatched"] == "ok"
    assert loaded(environment, "hatched") == [["acme-hatched", "1.0", "Sell."]]


def test_a_module_that_is_really_missing_is_still_told(environment, packages):
    points = {"one": "gone:x", "two": "shop_package.gone:x", "three": "acme.gone.ext:x", "four": "json.gone:x"}
    SmallWheel("dist-gone", "1.0", {"acme/here/__init__.py": ""}, socketify_ext=points).unpack(packages)
    rows = {row["name"]: (row["status"], row["error"]) for row in listed(environment)[0]}
    assert {rows[name] for name in points} == {
        ("broken", f"module '{value.partition(':')[0]}' does not exist") for value in points.values()
    }


def test_a_package_that_decides_itself_where_its_modules_are_is_not_called_broken(environment, packages):
    files = {
        "legacy/__init__.py": "import os\n__path__.append(os.path.join(os.path.dirname(__file__), '..', 'elsewhere'))\n",
        "elsewhere/ext.py": SHOP.format(name="legacy", version="1.0"),
    }
    SmallWheel("dist-legacy", "1.0", files, socketify_ext={"legacy": "legacy.ext:legacy"}).unpack(packages)
    assert {row["name"]: row["status"] for row in listed(environment)[0]}["legacy"] == "ok"
    assert loaded(environment, "legacy") == [["dist-legacy", "1.0", "Sell."]]


def test_a_zipped_program_finds_the_plugins_inside_of_it(environment, tmp_path):
    wheel = shop("zipped", "4.5")
    archive = tmp_path / "program.pyz"
    with zipfile.ZipFile(archive, "w") as program:
        for name, text in wheel.files.items():
            program.writestr(name, text)
        program.writestr("__main__.py", PROGRAM)
    names = ("zipped", "dist-zipped:zipped", "shop", "cart")
    result = json.loads(run(environment.program("python"), str(archive), *names, env=environment.variables))
    assert result["zipped"] == result["dist-zipped:zipped"] == ["dist-zipped", "4.5", "Sell."]
    assert (result["shop"][0], result["cart"][0], result["own"]) == ("dist-shop", "socketify-ext", ["request.own"])
    rows, _ = listed(environment, PYTHONPATH=str(archive))
    assert [(row["name"], row["status"]) for row in rows] == [("shop", "ok"), ("zipped", "ok")]


@pytest.fixture(scope="module")
def frozen(environment, tmp_path_factory):
    """Return a folder with the modules of the environment and no metadata, as a frozen program has them."""
    folder = tmp_path_factory.mktemp("frozen")
    for path in environment.packages.iterdir():
        if path.suffix not in (".dist-info", ".pth"):
            (folder / path.name).symlink_to(path)
    return folder


def test_a_frozen_program_without_metadata_has_the_built_ins_and_its_own_extensions(environment, frozen):
    freeze = f"import sys; sys.frozen = True; sys.path.insert(0, {str(frozen)!r})\n"
    command = (
        environment.program("python"),
        "-S",
        "-c",
        freeze + PROGRAM,
        "msgpack",
        "cart",
        "shop",
        "socketify-ext:pm",
    )
    result = json.loads(run(*command, cwd=environment.folder, env=environment.variables))
    version = environment.run("python", "-c", "import socketify_ext; print(socketify_ext.__version__)").strip()
    assert [result[name][:2] for name in ("msgpack", "cart", "socketify-ext:pm")] == [["socketify-ext", version]] * 3
    assert result["own"] == ["request.own"]
    assert "Import it, and pass it to app.register or Registry.add: a frozen program has no metadata" in result["shop"]


@pytest.mark.parametrize("command", [("list", "--json"), ("--version",), ("show", "cart"), ("tree", "cart")])
def test_the_command_line_works_without_metadata(environment, frozen, command):
    start = f"import sys; sys.path.insert(0, {str(frozen)!r}); sys.argv[1:] = {list(command)!r}\n"
    code = start + "from socketify_ext.cli import main; main()"
    variables = {**environment.variables, "PYTHONPATH": str(frozen), "PYTHONNOUSERSITE": "1"}
    shown = run(environment.program("python"), "-S", "-c", code, cwd=environment.folder, env=variables)
    assert "socketify-ext" in shown
    assert "cart" in shown or command == ("--version",)


def test_a_finder_of_another_program_may_fail_or_know_more(environment, packages):
    files = {
        "finders.py": """
            import sys
            from importlib.metadata import Distribution

            class Known(Distribution):
                def read_text(self, filename):
                    return {
                        "METADATA": "Name: dist-known\\nVersion: 7",
                        "entry_points.txt": "[socketify_ext]\\nknown = shop_package:shop",
                    }.get(filename)

                def locate_file(self, path):
                    return path

            class Failing:
                def find_spec(self, *_): ...
                def find_distributions(self, context): raise RuntimeError

            class Knowing:
                def find_spec(self, *_): ...
                def find_distributions(self, context): return iter([Known()])

            sys.meta_path += [Failing(), Knowing()]
        """,
        "finders.pth": "import finders\n",
    }
    SmallWheel("dist-finders", "1.0", files).unpack(packages)
    rows, _ = listed(environment)
    assert [(row["name"], row["distribution"], row["version"]) for row in rows] == [
        ("known", "dist-known", "7"),
        ("shop", "dist-shop", "1.0"),
    ]


def test_neither_a_plugin_nor_the_metadata_s_reader_is_imported_to_list_300_distributions(environment, tmp_path):
    for number in range(300):
        points = {"socketify_ext": {f"loud{number}": f"loud_{number}:loud"}} if number % 3 == 0 else {}
        files = {f"loud_{number}.py": "raise SystemExit('imported')\n"}
        SmallWheel(f"dist-loud{number}", "1.0", files, **points).unpack(tmp_path)
    rows, told = listed(environment, "-X", "importtime", PYTHONPATH=str(tmp_path))
    assert len(rows) == 101
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines() if "import time:" in line}
    assert "socketify_ext.registry.installed" in imported
    assert not [name for name in imported if name.startswith("loud_")]
    assert not imported & {
        "importlib.metadata",
        "email",
        "pydantic",
        "pluggy",
        "multiprocessing",
        "socketify_ext.cli.check",
    }
