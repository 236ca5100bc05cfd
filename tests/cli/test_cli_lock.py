"""`socketify-ext lock`: what it pins, and what `--check` finds after a change."""

from __future__ import annotations

import json

import pytest
from cli_program import Program

from socketify_ext.cli.lockfile import Lock, differences

BEFORE = """
    import socketify_ext

    @socketify_ext.extension("own", requires=["cart"])
    def own(request, response, ws):
        @request.method
        def find(self, name: str, limit: int = 10) -> list[str]: ...
        @ws.method
        def tell(self, value=object()): ...
        request.property("city", "Oslo")
        @request.property
        async def weather(self) -> dict[str, int]: ...
        @response.property
        def seen(self) -> int: ...

    def run(app):
        socketify_ext.install(app).register(own)
"""
AFTER = (
    BEFORE.replace("limit: int = 10", "limit: int = 20")
    .replace("def tell", "async def told")
    .replace("dict[str, int]", "list[int]")
)


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    program.write("main", BEFORE)
    return program


def test_lock_pins_the_surface_and_check_fails_with_a_diff_when_it_changes(program):
    assert program("lock", "main:run").returncode == 0
    path = program.folder / "socketify-ext.lock"
    written = path.read_text()
    pinned = json.loads(written)
    assert pinned["target"] == "main:run"
    assert pinned["extensions"]["cart"]["distribution"] == "socketify-ext"
    assert list(pinned["members"]) == [
        *("request.cart", "request.city", "request.find", "request.weather", "response.seen", "ws.tell"),
    ]
    assert pinned["members"]["request.weather"] == {
        "extension": "own",
        "kind": "async computed",
        "signature": ": Awaitable[dict[str, int]]",
        "deprecated": None,
    }
    assert pinned["members"]["response.seen"]["signature"] == ": int"
    assert pinned["members"]["request.find"]["signature"] == "(name: str, limit: int = 10) -> list[str]"
    assert pinned["members"]["ws.tell"]["signature"] == "(value=<object object>)"
    assert str(program.folder) not in written

    program.write("main", "\n\n" + BEFORE.replace('"""', ""))  # lines move, the surface stays
    right = program("lock", "--check")
    assert (right.returncode, right.stdout) == (0, "")

    program.write("main", AFTER)
    wrong = program("lock", "--check")
    assert wrong.returncode == 1
    assert wrong.stdout.splitlines() == [
        "- request.find(name: str, limit: int = 10) -> list[str]  [own]",
        "+ request.find(name: str, limit: int = 20) -> list[str]  [own]",
        "- computed request.weather: Awaitable[dict[str, int]]  [own]",
        "+ computed request.weather: Awaitable[list[int]]  [own]",
        "- ws.tell(value=<object object>)  [own]",
        "+ async ws.told(value=<object object>)  [own]",
    ]
    assert "EXT601" in wrong.stderr
    assert "socketify-ext lock main:run -o socketify-ext.lock" in wrong.stderr
    assert path.read_text() == written


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "there is no such file"),
        ("{", "it is not a lock file"),
        ("[]", "it is not a lock file"),
        ('{"format": 1}', "it is not a lock file"),
        ('{"format": 99}', "it has format 99, not 1"),
    ],
)
def test_check_says_what_is_wrong_with_the_file_itself(program, content, text):
    if content is not None:
        (program.folder / "x.lock").write_text(content)
    result = program("lock", "--check", "-o", "x.lock")
    assert (result.returncode, result.stdout) == (1, "")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


def lock(version="1.0", names=("a", "b"), **members):
    extensions = {name: {"distribution": "dist", "version": version, "requires": []} for name in names}
    return Lock("main:run", extensions, members, {})


def test_another_version_of_a_distribution_is_a_difference():
    assert differences(lock("1.0", ("a",)), lock("2.0", ("a",))) == [
        "- extension a (dist 1.0)",
        "+ extension a (dist 2.0)",
    ]


def test_another_order_is_a_difference_and_the_same_is_none():
    assert differences(lock(), lock()) == []
    assert differences(lock(), lock(names=("b", "a"))) == ["- order: a, b", "+ order: b, a"]


def test_another_provider_of_a_member_is_a_difference():
    values = {"kind": "method", "signature": "()"}
    before, now = lock(m={"extension": "a", **values}), lock(m={"extension": "b", **values})
    assert differences(before, now) == ["- m()  [a]", "+ m()  [b]"]
