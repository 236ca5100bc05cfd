"""`socketify-ext new`: what it writes works as it is, and what it can't write is told in one message."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys

import httpx2
import pytest
from cli_program import Program
from doc_pages import ROOT, python
from environments import Environment, build_wheel, run
from packaging.specifiers import SpecifierSet
from run_program import Running
from small_wheels import SmallWheel

from socketify_ext.cli.new.files import write
from socketify_ext.cli.new.project import plan
from socketify_ext.cli.new.requirement import accepted_versions
from socketify_ext.errors import ProjectError

DOC = (ROOT / "docs" / "new.md").read_text()
FAILS = 'raise RuntimeError("it was imported")\n'
COMMAND = (sys.executable, "-m", "socketify_ext", "new")


def new(folder, *arguments):
    return Program(folder)("new", *arguments)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_files_are_those_of_the_page(tmp_path):
    command = re.search(r"^\$ socketify-ext new (.*)$", DOC, re.MULTILINE)[1]
    done = new(tmp_path, *shlex.split(command))
    assert (done.returncode, done.stderr) == (0, "")
    table = DOC.partition("| file |")[2].partition("\n\n")[0]
    named = re.findall(r"`([\w./-]+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:]))
    written = files(tmp_path / "socketify-ext-greet")
    assert (
        sorted(name if "/" in name else name.replace("py.typed", "socketify_ext_greet/py.typed") for name in named)
        == written
    )
    assert all(f"socketify-ext-greet/{name}" in done.stdout for name in written)


def test_every_flag_is_on_the_page(tmp_path):
    shown = new(tmp_path, "--help")
    flags = set(re.findall(r"--[a-z-]+", shown.stdout)) - {"--help", "--traceback"}  # which all commands take
    assert set(re.findall(r"^\| `(--[a-z-]+)`", DOC, re.MULTILINE)) == flags


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("my plugin!", "not an identifier. Did you mean 'my-plugin'?"),
        ("9lives", "not an identifier"),
        ("a--b", "not an identifier. Did you mean 'a-b'?"),
        ("Greet", "Did you mean 'greet'?"),
        ("über", "not an identifier"),
        ("", "not an identifier"),
        ("../up", "Did you mean 'up'?"),
        ("class", "a Python keyword"),
        ("auth", "a built-in has it"),
        ("socketify-ext-auth", "a built-in has it"),
        ("end", "response.end is socketify's own"),
        ("request", "another use for that name"),
        ("x" * 31, "longer than 30 characters"),
    ],
)
def test_a_name_that_will_not_do_is_refused(name, why):
    with pytest.raises(ProjectError, match=re.escape(why)):
        plan(name)


def test_a_refusal_is_one_message_and_nothing_is_written(tmp_path):
    done = new(tmp_path, "my plugin!")
    assert (done.returncode, done.stdout, files(tmp_path)) == (1, "", [])
    assert re.fullmatch(r"error: \[EXT701\] .* Did you mean 'my-plugin'\?\n", done.stderr)


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    folder = tmp_path / "socketify-ext-greet"
    folder.mkdir()
    done = new(tmp_path, "greet", "--into", str(tmp_path))
    assert (done.returncode, files(tmp_path)) == (1, [])
    assert re.fullmatch(r"error: \[EXT701\] .* exists already\. .*\n", done.stderr)


def test_a_folder_that_can_not_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="can't be made"):
        write(plan("greet"), tmp_path / "file")


@pytest.mark.parametrize("text", ["two\nlines", "x" * 91])
def test_a_description_is_one_line_of_bounded_length(text):
    with pytest.raises(ProjectError, match="description"):
        plan("greet", text)


def test_without_a_name_and_a_terminal_the_usage_is_shown(tmp_path):
    done = new(tmp_path)
    assert done.returncode == 2
    assert "give the extension's name" in done.stderr


def test_at_a_terminal_it_asks(tmp_path):
    master, slave = pty.openpty()
    with subprocess.Popen(
        COMMAND, cwd=tmp_path, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        os.close(slave)
        os.write(master, b"tea-time\nBrew tea.\nBob\n")
        output = process.stdout.read().decode()
        assert process.wait(20) == 0, output
    os.close(master)
    folder = tmp_path / "socketify-ext-tea-time"
    assert 'description = "Brew tea."' in (folder / "pyproject.toml").read_text()
    assert "Bob" in (folder / "LICENSE").read_text()
    assert '"""Brew tea."""' in (folder / "socketify_ext_tea_time" / "extension.py").read_text()


@pytest.mark.parametrize(
    ("wheel", "why", "distribution"),
    [
        (
            SmallWheel("Greeters", "2.1", {"greeters.py": FAILS}, socketify_ext={"greet": "greeters:greet"}),
            "the installed greeters 2.1 provides an extension of that name",
            "greeters",
        ),
        (
            SmallWheel("socketify_ext.Greet", "3.0"),
            "socketify-ext-greet 3.0 is installed",
            "socketify-ext-greet",
        ),
    ],
    ids=["extension", "distribution"],
)
def test_a_name_that_an_installed_distribution_has_is_refused(tmp_path, wheel, why, distribution):
    folder = tmp_path / "packages"
    wheel.unpack(folder)
    here = tmp_path / "here"
    here.mkdir()
    done = Program(here, folder)("new", "greet", SOCKETIFY_EXT_DISABLE="greet")
    assert (done.returncode, done.stdout, files(here)) == (1, "", [])
    fix = f"Choose another, as in my-greet, or remove that one: pip uninstall {distribution}."
    assert done.stderr.endswith(f": {why}. {fix}\n")
    assert Program(here, folder)("new", "other").returncode == 0  # and nothing of it was imported


@pytest.mark.parametrize(
    ("required", "message"),
    [
        (
            ["nothing-such"],
            "nothing that is installed provides it. Install .*, as in pip install socketify-ext-nothing-such",
        ),
        (["carts"], "Did you mean 'cart'[?] Install the distribution"),
        (
            ["auth>=99"],
            "socketify-ext 0[.].* is installed, and provides another version. Install that version of socketify-ext",
        ),
        (["cart", "cart"], "it is required twice"),
        (["greet"], "an extension can't require itself"),
        (["cart[store]"], "it is not the name of an extension, with or without versions"),
        (["cart @ https://example.invalid"], "it is not the name of an extension, with or without versions"),
        (["cart=1"], "it is not a requirement"),
        ([""], "it is not a requirement"),
    ],
)
def test_what_can_not_be_required_is_told(required, message):
    with pytest.raises(ProjectError, match=message):
        plan("greet", requires=required)


def test_what_is_blocked_can_not_be_required(monkeypatch):
    monkeypatch.setenv("SOCKETIFY_EXT_DISABLE", "cart")
    with pytest.raises(ProjectError, match="it is blocked: SOCKETIFY_EXT_DISABLE"):
        plan("greet", requires=["cart"])


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("0.1.0", ">=0.1,<0.2"),
        ("1.4.2", ">=1.4,<2"),
        ("2", ">=2.0,<3"),
        ("0.2.0.dev3+local", ">=0.2.0.dev3,<0.3"),
        ("unknown", ""),
    ],
)
def test_a_dependency_is_on_compatible_versions(version, accepted):
    assert accepted_versions(version) == accepted
    assert not accepted or version in SpecifierSet(accepted, prereleases=True)


SHELF = """
from typing import Literal
from pydantic import BaseModel, SecretStr
import socketify_ext

class Options(BaseModel):
    {fields}

@socketify_ext.extension("shelf", options=Options)
def shelf(request, response, ws, *, options):
    request.property("shelf", str(options))
"""


def shelf(*fields):
    """Make the wheel of a plugin whose extension has options, given as the source of their model's fields."""
    code = SHELF.format(fields="\n    ".join(fields))
    return SmallWheel("shelves", "1.2.3", {"shelf.py": code}, socketify_ext={"shelf": "shelf:shelf"})


def required_in(folder, name="greet"):
    """Return what the tests of a project load first, with its options."""
    source = (folder / f"socketify-ext-{name}" / "tests" / f"test_{name}.py").read_text()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.keywords]
    loads = [call for call in calls if ast.unparse(call.func) == "socketify_ext.load"]
    return {call.args[0].value: {each.arg: ast.literal_eval(each.value) for each in call.keywords} for call in loads}


def test_stand_ins_fit_the_options_that_are_needed(tmp_path):
    folder = tmp_path / "packages"
    fields = ("key: SecretStr", "size: int", 'kind: Literal["oak", "ash"]', "names: list[str]", "unneeded: int = 1")
    shelf(*fields).unpack(folder)
    done = Program(tmp_path, folder)(
        "new", "greet", "--requires", "shelf", SOCKETIFY_EXT_SHELF__KEY="my own, not to be told"
    )
    assert (done.returncode, done.stderr) == (0, "")
    text = "stand-in-for-an-option-that-must-be-given"
    assert required_in(tmp_path) == {"shelf": {"key": text, "size": 1, "kind": "oak", "names": []}}
    project = tmp_path / "socketify-ext-greet"
    assert '"shelves>=1.2,<2"' in (project / "pyproject.toml").read_text()
    assert not any("my own" in path.read_text() for path in project.rglob("*") if path.is_file())
    (check,) = re.findall(r"^  (socketify-ext check .*)$", done.stdout, re.MULTILINE)
    assert (
        check
        == f"socketify-ext check greet --option shelf.key={text} --option shelf.size=1 --option shelf.kind=oak --option 'shelf.names=[]'"
    )
    assert f"$ {check}\n" in (project / "README.md").read_text()
    workflow = (project / ".github" / "workflows" / "test.yml").read_text()
    assert json.loads(workflow.rpartition("- run: ")[2]) == check


def test_options_that_nothing_can_stand_in_for_are_asked_for(tmp_path):
    done = new(tmp_path, "greet", "--requires", "auth>=0.1")
    assert (done.returncode, files(tmp_path)) == (1, [])
    assert re.search(
        r"its tests need options .* [(]give tokens=.*[)]. Give them: --option auth.NAME=VALUE", done.stderr
    )
    token = {'it\'s "a" token': {"name": "Ann", "roles": ["a", "b"], "is_real": False}}
    done = new(tmp_path, "greet", "--requires", "auth>=0.1", "--option", f"auth.tokens={json.dumps(token)}")
    assert (done.returncode, done.stderr) == (0, "")
    assert required_in(tmp_path) == {"auth": {"tokens": token}}
    project = tmp_path / "socketify-ext-greet"
    assert 'requires=["auth>=0.1"]' in (project / "socketify_ext_greet" / "extension.py").read_text()
    assert '\ndependencies = ["socketify-ext>=0.1,<0.2", "pydantic>=2.9"]\n' in (project / "pyproject.toml").read_text()
    assert "def get_user(" in (project / "socketify_ext_greet" / "targets.py").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["auth.tokens=7"], "EXT104"),
        (["auth.nothing=1"], "it has no such option"),
        (["other.key=1"], "it loads no extension 'other'"),
        (
            ['auth.tokens={"' + "x" * 100 + '": {"name": "Ann"}}'],
            "can't be written in one line of at most 100 characters",
        ),
        (['auth.tokens={"token": {"name": "\\u2028"}}'], "can't be written in one line"),
        (["key=1"], "give options of required extensions"),
        (["greet.greeting=Hi"], "give options of required extensions"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(tmp_path, options, message):
    done = new(tmp_path, "greet", "--requires", "auth", *(part for each in options for part in ("--option", each)))
    assert (done.returncode != 0, done.stdout, files(tmp_path)) == (True, "", [])
    assert message in " ".join(done.stderr.replace("│", "").split())


def test_a_required_extension_that_fails_is_told_and_nothing_is_written(tmp_path):
    folder = tmp_path / "packages"
    SmallWheel("greeters", "2.1", {"greeters.py": FAILS}, socketify_ext={"shelf": "greeters:greet"}).unpack(folder)
    here = tmp_path / "here"
    here.mkdir()
    done = Program(here, folder)("new", "greet", "--requires", "shelf")
    assert (done.returncode, done.stdout, files(here)) == (1, "", [])
    assert re.search(r"can't be written: .*it was imported", done.stderr)


def test_hooks_that_fail_are_told_and_can_be_disabled(tmp_path):
    folder = tmp_path / "packages"
    SmallWheel("hooks", "1.0", {"hooks.py": FAILS}, socketify_ext_hooks={"failing": "hooks"}).unpack(folder)
    program = Program(tmp_path, folder)
    failed = program("new", "greet")
    assert failed.returncode == 1
    assert re.search(
        r"can't be written: .*hooks 1[.]0.*it was imported.* set SOCKETIFY_EXT_DISABLE=failing", failed.stderr
    )
    assert program("new", "greet", SOCKETIFY_EXT_DISABLE="failing").returncode == 0


def test_what_is_required_comes_in_the_order_in_which_it_is_registered(tmp_path):
    folder = tmp_path / "packages"
    shelf("size: int").unpack(folder)
    code = """
        from pydantic import BaseModel
        import socketify_ext

        class Options(BaseModel):
            colour: str

        @socketify_ext.extension("paint", options=Options, requires=["shelf"])
        def paint(request, response, ws, *, options):
            request.property("paint", options.colour)
    """
    SmallWheel("paints", "1.0", {"paint.py": code}, socketify_ext={"paint": "paint:paint"}).unpack(folder)
    done = Program(tmp_path, folder)("new", "greet", "--requires", "paint", "--requires", "shelf")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(required_in(tmp_path)) == ["shelf", "paint"]


# What has a meaning in TOML, Python and Markdown, in a name and texts as long as they may be.
LONG = "tea-and-more_than-enough-bread"
DESCRIPTION = 'Say "tea" \\ or \N{EN DASH} ' + "x" * 72 + "'"
PROJECTS = {
    LONG: (LONG, "--description", DESCRIPTION, "--author", "Ann & Bob"),
    "visits": ("visits", "--requires", "sessions", "--requires", "pm"),
}


@pytest.fixture(scope="module")
def sessions_wheel(shared_folder):
    """Build the wheel of the plugin that a project requires."""

    def build(folder):
        folder.mkdir()
        build_wheel(ROOT / "plugins" / "socketify-ext-sessions", folder)

    return next(shared_folder("sessions", build).glob("*.whl"))


def source_of(environment, name):
    """Return the folder of a new project."""
    return environment.folder / f"socketify-ext-{name.replace('_', '-')}"


@pytest.fixture(scope="module")
def environment(shared_folder, tmp_path_factory, wheels, sessions_wheel):
    """Install two new projects beside the package, as their CI would: one as its wheel, one as an editable install."""

    def fill(folder):
        made = Environment(folder)
        made.install(f"{wheels['socketify-ext']}[testing]", sessions_wheel)
        for arguments in PROJECTS.values():
            made.run("socketify-ext", "new", *arguments)
        sources = [source_of(made, name) for name in PROJECTS]
        made.install(*(f"{build_wheel(source, source / 'dist')}[dev]" for source in sources))
        shutil.rmtree(made.packages / "socketify_ext_visits")
        (made.packages / "_visits.pth").write_text(f"{source_of(made, 'visits')}\n")

    made = Environment(shared_folder("new", fill))
    made.variables["MYPY_CACHE_DIR"] = str(tmp_path_factory.mktemp("mypy"))  # of what both projects import
    return made


def in_project(environment, name, program, *arguments):
    """Run a program of the environment in a project."""
    return run(environment.program(program), *arguments, cwd=source_of(environment, name), env=environment.variables)


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize(
    "command", [("pytest",), ("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join
)
def test_what_it_writes_passes_its_own_checks_unchanged(environment, name, command):
    in_project(environment, name, *command)


@pytest.mark.parametrize("name", PROJECTS)
def test_a_new_extension_is_platinum(environment, name):
    readme = (source_of(environment, name) / "README.md").read_text()
    (check,) = re.findall(r"^\$ (socketify-ext check .*)$", readme, re.MULTILINE)
    assert "grade: platinum\n" in in_project(environment, name, *shlex.split(check), "--grade", "platinum")


def test_members_of_what_is_required_are_typed(environment, tmp_path):
    module = tmp_path / "wrong.py"
    module.write_text(
        "from socketify_ext_visits.targets import Request\n\n\n"
        "async def read(req: Request) -> None:\n"
        "    reveal_type(req.visits_name())\n"
        "    reveal_type(await req.load_session())\n"
        "    req.lode_session()\n"
    )
    done = subprocess.run(
        [environment.program("mypy"), str(module)],
        cwd=source_of(environment, "visits"),
        env=environment.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.findall(r"Revealed type is \"([\w.]+)\"", done.stdout) == [
        "str",
        "socketify_ext_sessions.session.Session",
    ]
    assert 'has no attribute "lode_session"' in done.stdout


def test_the_types_are_those_that_the_documented_command_writes(environment):
    (stubs,) = re.findall(r"^\$ (socketify-ext stubs .*)$", DOC, re.MULTILINE)
    assert f"$ {stubs}\n" in (source_of(environment, "visits") / "README.md").read_text()
    in_project(environment, "visits", *shlex.split(stubs), "--check")


def test_another_environment_uses_the_wheel_as_the_page_shows(environment, sessions_wheel, wheels, tmp_path):
    made = Environment(tmp_path / "environment")
    made.install(
        f"{wheels['socketify-ext']}[env]", sessions_wheel, *source_of(environment, "visits").glob("dist/*.whl")
    )
    shown = json.loads(made.run("socketify-ext", "show", "visits", "--json"))
    assert shown["is_imported"] is False  # its manifest is in the wheel
    (app,) = python("docs/new.md")
    (tmp_path / "main.py").write_text(app.text)
    by_requirement = re.sub(r"^app.register\(.*sessions.*\n", "", app.text, flags=re.MULTILINE)
    (tmp_path / "required.py").write_text(by_requirement)
    secret = "0123456789abcdef"
    variables = {"SOCKETIFY_EXT_SESSIONS__SECRET": secret, "SOCKETIFY_EXT_SESSIONS__COOKIE_SECURE": "false"}
    for module, given in (("main", {"SECRET": secret}), ("required", variables)):
        settings = {"PYTHONPATH": "", "SOCKETIFY_EXT_RUN_PORT": "0", **given}
        running = Running(tmp_path, ("run", f"{module}:app"), settings, python=made.program("python"))
        try:
            running.wait_until_ready()
            with httpx2.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as client:
                answers = [client.get("/", params={"name": "Ann"}).text for _ in range(2)]
            assert answers == ["Hello, Ann, visit 1!", "Hello, Ann, visit 2!"]
        finally:
            running.stop()
