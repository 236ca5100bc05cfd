"""`socketify-ext why` and `tree`: where members come from."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from cli_program import Program

MAIN = """
    import socketify_ext

    @socketify_ext.extension("plain")
    def plain(request, response, ws):
        @request.method
        def get_user(self, fresh: bool = False) -> dict[str, str]:
            '''Give a user.

            More of it.
            '''

        @response.method(override=True)
        def redirect(self, location): ...

    @socketify_ext.extension("better", requires=["cart>=0", "plain"])
    def better(request, response, ws):
        @request.method(override=True)
        async def get_user(self): ...

        @ws.method
        def tell(self): ...

    def make():
        app = socketify_ext.App()
        app.register(plain)
        app.register(better.renamed(tell="say"))
        return app
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("project"))
    program.write("main", MAIN)
    return program


def test_why_tells_who_put_a_member_there_and_instead_of_whom(program):
    result = program("why", "request.get_user", "main:make")
    assert (result.returncode, result.stderr) == (0, "")
    main = program.folder / "main.py"
    assert result.stdout.splitlines() == [
        "async request.get_user()",
        "  added by extension 'better', declared by the program",
        f"  at {main}:18",
        f"  instead of that of 'plain' ({main}:6): it declares override",
    ]


def test_why_tells_what_a_member_was_renamed_from(program):
    told = json.loads(program("why", "ws.say", "main:make", "--json").stdout)
    assert (told["extension"], told["renamed_from"], told["requires"]) == ("better", "tell", ["cart>=0", "plain"])


def test_why_tells_what_of_the_core_is_overridden(program):
    assert "overrides socketify's own response.redirect" in program("why", "response.redirect", "main:make").stdout


def test_why_tells_the_distribution_and_who_required_it(program):
    lines = program("why", "request.cart", "main:make").stdout.splitlines()
    assert lines[0].startswith("request.cart")
    assert f"  added by extension 'cart', of socketify-ext {version('socketify-ext')}" in lines
    assert "  'cart' is there because 'better' requires it" in lines


def test_why_tells_what_is_the_cores_own(program):
    result = program("why", "request.get_header", "main:make")
    assert result.returncode == 0
    assert f"it is socketify's own ({version('socketify')})" in result.stdout


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("request.get_usr", "Did you mean 'request.get_user'"),
        ("response.say", "Did you mean 'ws.say'?"),
        ("req.get_user", "Did you mean 'request.get_user'?"),
        ("request.get-user()", "Did you mean 'request.get_user'?"),
        ("req.get_usr()", "Did you mean 'request.get_user'"),
        ("get_user", "Did you mean 'request.get_user'?"),
        ("get_usr", "Did you mean 'request.get_user'"),
        ("Request.get_user", "Did you mean 'request.get_user'?"),
        ("xyz", "Write it as in request.get_user"),
        ("", "Write it as in request.get_user"),
    ],
)
def test_why_suggests_for_an_unknown_member(program, member, text):
    result = program("why", member, "main:make")
    assert (result.returncode, result.stdout) == (1, "")
    assert "EXT102" in result.stderr
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


def test_why_tells_of_arguments_the_other_way_round(program):
    result = program("why", "main:make", "request.get_user")
    assert result.returncode == 1
    assert "Write the member first: socketify-ext why request.get_user main:make" in result.stderr


def test_tree_shows_extensions_in_order_with_requirements_and_members(program):
    result = program("tree", "main:make")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    heads = [line.split()[1] for line in lines if line.startswith(("├──", "└──"))]
    assert heads == ["plain", "cart", "better"]
    assert "required by better" in result.stdout
    assert "requires cart>=0, plain" in result.stdout
    assert "response.redirect(location)" in result.stdout
    assert "request.get_user: better's is there instead" in result.stdout
    assert "ws.say()" in result.stdout


def test_tree_json_has_the_same(program):
    told = json.loads(program("tree", "main:make", "--json").stdout)
    assert (told["prefix"], told["routes"], told["scopes"]) == ("", [], [])
    extensions = told["extensions"]
    assert [(each["name"], each["required_by"], each["lost"]) for each in extensions] == [
        ("plain", None, ["request.get_user"]),
        ("cart", "better", []),
        ("better", None, []),
    ]
    assert [member["name"] for member in extensions[2]["members"]] == ["request.get_user", "ws.say"]
