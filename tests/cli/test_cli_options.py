"""`--option`: what extensions are looked at with, and what is told of options that are missing or wrong."""

from __future__ import annotations

import json

import pytest
from cli_program import Program

from socketify_ext.builtin.auth import JwtOptions
from socketify_ext.cli.option_values import read_options

MAIN = """
    import socketify_ext
    from pydantic import BaseModel, Field, model_validator
    from typing import Literal

    class Options(BaseModel):
        secret: str = Field(min_length=4, repr=False)
        mode: Literal["one", "two"] = "one"
        names: list[str] = []
        limit: int = 3

    @socketify_ext.extension("keyed", options=Options)
    def keyed(request, response, ws, *, options):
        request.property("always", 1, type=int)
        request.property(f"with_{options.secret}", options.limit, type=int)
        for name in options.names:
            request.property(name)

    @socketify_ext.extension("kept", options=Options)
    def kept(request, response, ws, *, options):
        assert len(options.secret) > 16
        if options.mode == "two":
            request.property("second")

        @request.method
        def digest(self) -> str:
            return options.secret

    class Choice(BaseModel):
        one: str | None = None
        other: str | None = None

        @model_validator(mode="after")
        def _some(self):
            if not self.one and not self.other:
                raise ValueError("give one or other")
            return self

    @socketify_ext.extension("choice", options=Choice)
    def choice(request, response, ws, *, options):
        request.property(options.one or options.other or "none")

    @socketify_ext.extension("needs-all", requires=["kept", "choice"])
    def needs_all(request, response, ws, *, app):
        app.db = {"is": "there"}

        @request.method
        def found(self) -> str:
            return app.db["is"]

    @socketify_ext.extension("pinned", requires=["cart>=99"])
    def pinned(request, response, ws): ...

    @socketify_ext.extension("alone", requires=["nowhere"])
    def alone(request, response, ws): ...

    def make():
        app = socketify_ext.App()
        app.register(socketify_ext.load("kept"))
        return app

    def make_needy():
        app = socketify_ext.App()
        app.register(needs_all)
        return app
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    program = Program(tmp_path_factory.mktemp("project"), site)
    Program(site).write("main", MAIN)
    info = site / "dist_main-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-main\nVersion: 1.0\n")
    names = ("keyed", "kept", "choice", "needs-all", "pinned", "alone")
    points = "".join(f"{name} = main:{name.replace('-', '_')}\n" for name in names)
    (info / "entry_points.txt").write_text(f"[socketify_ext]\n{points}")
    return program


def members(result, *, name=None):
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    each = found if name is None else next(one for one in found["extensions"] if one["name"] == name)
    return [
        member["name"].removeprefix("request.")
        for member in (each["members"]["request"] if name is None else each["members"])
    ]


KEYED = ("--option", "secret=1234")


def test_show_has_the_members_of_the_given_options(program):
    given = (*KEYED, "--option", 'names=["a", "b"]', "--option", "limit=7", "--option", "mode=two")
    result = program("show", "keyed", "--json", *given)
    assert members(result) == ["always", "with_1234", "a", "b"]
    described = json.loads(result.stdout)
    assert (described["needs"], described["needs_because"], described["members_error"]) == ([], None, None)


def test_show_without_a_required_option_shows_what_it_can_and_says_what_it_needs(program):
    result = program("show", "kept", "--json")
    described = json.loads(result.stdout)
    assert (members(result), described["needs"]) == (["digest"], ["secret"])
    text = program("show", "kept").stdout
    assert "It needs secret: give --option secret=VALUE; members that depend on it may differ." in text


def test_show_says_where_an_extension_stops_without_its_options(program):
    result = program("show", "keyed", "--json")
    described = json.loads(result.stdout)
    assert members(result) == ["always"]
    assert "EXT102" in described["members_error"]
    assert "is not an identifier" in described["members_error"]
    text = program("show", "keyed").stdout
    assert "It needs secret: give --option secret=VALUE" in text
    assert "It stops there: [EXT102]" in text


def test_show_says_what_is_wrong_where_several_options_are(program):
    text = program("show", "choice").stdout
    assert "It needs options: Value error, give one or other. Give them with --option NAME=VALUE" in text
    assert members(program("show", "choice", "--json", "--option", "other=this")) == ["this"]


def test_show_reads_what_an_extension_sets_on_the_app(program):
    assert members(program("show", "main:needs_all", "--json")) == ["found"]


def test_show_has_the_options_of_an_option_and_readable_types(program):
    result = program("show", "auth", "--json")
    options = {option["name"]: option for option in json.loads(result.stdout)["options"]}
    assert options["jwt"]["type"] == "JwtOptions | None"
    assert [each["name"] for each in options["jwt"]["options"]] == list(JwtOptions.model_fields)
    assert options["jwt"]["options"][0]["type"] == "str | bytes | None"
    assert "  jwt.key: str | bytes | None = None" in program("show", "auth").stdout


@pytest.mark.parametrize(
    "command",
    [
        ("show", "main:keyed"),
        ("tree", "main:keyed"),
        ("tree", "keyed"),
        ("why", "request.with_1234", "keyed"),
        ("stubs", "keyed"),
    ],
    ids=" ".join,
)
def test_every_command_takes_options_of_its_target(program, command):
    result = program(*command, *KEYED)
    assert (result.returncode, result.stderr) == (0, "")
    assert "with_1234" in result.stdout


def test_lock_takes_options_and_checks_with_them(program):
    assert program("lock", "keyed", *KEYED).returncode == 0
    assert "request.with_1234" in (program.folder / "socketify-ext.lock").read_text()
    assert program("lock", "--check", *KEYED).returncode == 0
    changed = program("lock", "--check", "--option", "secret=other")
    assert (changed.returncode, "+ request.with_other" in changed.stdout) == (1, True)


def test_the_environment_counts_as_for_an_app_and_an_option_wins(program):
    variable = {"SOCKETIFY_EXT_KEYED__SECRET": "9876"}
    assert members(program("show", "keyed", "--json", **variable)) == ["always", "with_9876"]
    assert members(program("tree", "keyed", "--json", **variable), name="keyed") == ["always", "with_9876"]
    assert members(program("show", "keyed", "--json", *KEYED, **variable)) == ["always", "with_1234"]
    wrong = program("show", "keyed", SOCKETIFY_EXT_KEYED__SECRET="9")
    assert (wrong.returncode, "EXT104" in wrong.stderr) == (1, True)


def test_options_of_what_is_required_are_given_with_its_name(program):
    given = ("--option", "kept.mode=two", "--option", "kept.secret=" + "s" * 20, "--option", "choice.one=this")
    result = program("tree", "needs-all", "--json", *given)
    assert result.stderr == ""
    assert members(result, name="kept") == ["second", "digest"]
    assert members(result, name="choice") == ["this"]


def test_a_tree_warns_of_what_lacks_options(program):
    result = program("tree", "needs-all", "--json")
    assert members(result, name="kept") == ["digest"]
    kept, choice = sorted(result.stderr.splitlines(), reverse=True)
    assert kept.startswith("warning: extension 'kept' is looked at without secret;")
    assert kept.endswith("give --option kept.secret=VALUE, or set SOCKETIFY_EXT_KEPT__SECRET")
    assert "extension 'choice' is looked at without its options" in choice
    assert "--option choice.NAME=VALUE" in choice
    assert "give one or other" in choice


@pytest.mark.parametrize("command", [("stubs",), ("lock", "-o", "none.lock")], ids=lambda each: each[0])
def test_what_lacks_members_is_not_written_to_a_file(program, command):
    result = program(*command, "keyed")
    assert (result.returncode, result.stdout) == (1, "")
    assert "extension 'keyed' is looked at without secret, and stops: [EXT102]" in result.stderr
    assert result.stderr.endswith("Give --option secret=VALUE, or set SOCKETIFY_EXT_KEYED__SECRET.\n")
    assert not (program.folder / "none.lock").exists()


def test_options_reach_what_an_app_loads(program):
    plain = program("tree", "main:make")
    assert plain.returncode == 1
    assert "or give them here: --option kept.secret=VALUE" in plain.stderr
    given = program("tree", "main:make", "--json", "--option", "kept.secret=" + "s" * 20, "--option", "kept.mode=two")
    assert members(given, name="kept") == ["second", "digest"]


def test_a_requirement_that_lacks_options_says_on_the_command_line_what_helps(program):
    result = program("tree", "main:make_needy")
    assert result.returncode == 1
    assert "[EXT202]" in result.stderr
    assert (
        'app.register(socketify_ext.load("kept", ...)); or give them here: --option kept.secret=VALUE' in result.stderr
    )


def test_a_requirement_of_another_version_is_told_by_its_version(program):
    result = program("tree", "pinned")
    assert result.returncode == 1
    assert "requires 'cart>=99': 'cart' (built-in, cart/extension.py" in result.stderr
    assert "has version" in result.stderr
    assert "Install a version of socketify-ext that fits >=99" in result.stderr


def test_a_requirement_that_nobody_provides_says_what_helps_here(program):
    result = program("tree", "alone")
    assert result.returncode == 1
    assert "Install a plugin that provides 'nowhere'" in result.stderr
    assert "or name an app that registers it in place of alone, as in main:app" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("keyed", "--option", "sceret=1234"), "it has no such option. Did you mean 'secret'?"),
        (("keyed", "--option", "secret=1"), "secret: String should have at least 4 characters"),
        (("keyed", "--option", "limit=many", *KEYED), "limit: Input should be a valid integer"),
        (("keyed", "--option", "kpet.secret=1", *KEYED), "it loads no extension 'kpet'"),
        (("needs-all", "--option", "kpet.secret=1"), "Did you mean 'kept'?"),
        (("auth", "--option", "jwt.key=1"), "Write the whole option as JSON: --option 'jwt={\"key\": ...}'"),
        (("cart", "--option", "nothing.a=1"), "Options go to what is loaded by its name: cart"),
        (("main:make", "--option", "kept.secret=" + "s" * 20, "--option", "secret=1"), "EXTENSION.secret=VALUE"),
        (("main:make", "--option", "kept.secret=1"), "secret: String should have at least 4 characters"),
    ],
    ids=str,
)
def test_an_option_that_is_wrong_or_unused_is_an_error(program, arguments, text):
    result = program("tree", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("given", ["secret", "=x", "keyed.=x", "a=1 --option a=2"])
def test_an_option_of_another_form_is_wrong_usage(program, given):
    result = program("show", "keyed", "--option", *given.split())
    assert (result.returncode, result.stdout) == (2, "")
    assert "--option" in result.stderr


def test_no_secret_of_an_option_is_shown(program):
    for command in ("tree", "show"):
        result = program(command, "keyed", "--option", "secret=9z!", "--option", "limit=x")
        assert result.returncode == 1
        assert "9z!" not in result.stderr


def test_options_are_split_at_the_last_dot_and_the_first_equals_sign():
    assert read_options(["a=1", "x.y.b=c=d", "x.y.e="]) == {"": {"a": "1"}, "x.y": {"b": "c=d", "e": ""}}
    assert read_options(None) == {}
