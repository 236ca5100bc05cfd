"""Targets: what may be one, and what a wrong one gets: one message with a suggestion, exit code 1, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest
from cli_program import ROOT, Program

from socketify_ext import errors
from socketify_ext.inspection.process import rebuild_error
from socketify_ext.inspection.query import Query, run_query

MAIN = """
    import os
    import socketify
    import socketify_ext
    import socketify_ext.errors
    from pydantic import BaseModel

    number = 3
    app = socketify_ext.App()
    app.register(socketify_ext.load("cart"))
    print("noise")

    @socketify_ext.extension("own")
    def own(request, response, ws):
        request.property("own")

    def bare(request, response, ws):
        @ws.method
        def hello(self): ...

    def run(app):
        app.register(own)

    def make():
        return app

    def serve():
        served = socketify.App()
        served.register(bare)
        served.listen(3000, lambda config: None)
        served.run()

    def fork():
        os.fork()
        return app

    def nothing(): ...
    def many(a, b): ...
    def exits(): raise SystemExit(4)
    def dies(): os._exit(7)
    def fails(): return {}["key"]
    async def later(): return app

    class Options(BaseModel):
        key: str

    @socketify_ext.extension("needy", options=Options)
    def needy(request, response, ws, *, options):
        request.property(options.key)

    class OwnError(socketify_ext.errors.CollisionError): ...

    def raises_own():
        raise OwnError("who", "what", "why", "fix")

    def fails_to_register():
        app = socketify_ext.App()
        app.register(lambda request, response: None)
"""
FORKING = """
    import json, os, sys
    import socketify_ext, socketify_ext.app, socketify_ext.inspection.app_description
    from socketify_ext.inspection import process, worker

    for number, target in enumerate(json.loads(sys.argv[1])):
        with open(f"{number}.events", "wb") as events, open(f"{number}.trace", "wb") as trace:
            if os.fork() == 0:
                files = [events.fileno(), trace.fileno(), trace.fileno(), os.pipe()[0]]
                request = {"target": target, "question": "app", "options": {}, "stub": None}
                given = {"timeout": 60.0, "mark": "", "request": request, "folder": os.getcwd()}
                sys.argv[1:] = [json.dumps(given), *map(str, files)]
                process.run_child(worker.main)
            os.wait()
        with open(f"{number}.events") as events, open(f"{number}.json", "w") as named:
            json.dump({"target": target, **json.load(events)}, named)
"""
HANGS = """
    import time

    def run(app):
        while True:
            time.sleep(0.1)
"""


RIGHT = [
    ("cart", ["request.cart"], True),
    ("socketify-ext:cart", ["request.cart"], True),
    ("main:app", ["request.cart"], True),
    ("main:own", ["request.own"], True),
    ("main:bare", ["ws.hello"], True),
    ("main:run", ["request.own"], False),
    ("main:make", ["request.cart"], True),
    ("main:serve", ["ws.hello"], False),
    ("main:fork", ["request.cart"], True),
]
WRONG = [
    ("kart", "EXT300", ["Did you mean 'cart'?"]),
    ("socketify-ext:kart", "EXT600", ["'socketify-ext' is not an identifier", "Did you mean 'socketify-ext:cart'"]),
    ("mian:app", "EXT600", ["no module 'mian'", "Did you mean 'main:app'?"]),
    ("main:mak", "EXT600", ["module 'main' has no attribute 'mak'", "Did you mean 'make'"]),
    ("main.py:make", "EXT600", ["no module 'main.py'", "Did you mean 'main:make'?"]),
    ("./ma-in.py:make", "EXT600", ["is not an identifier", "Did you mean 'ma_in:make'?"]),
    ("main:", "EXT600", ["'' is not an identifier", "module:attribute"]),
    ("main:number", "EXT600", ["a int is neither an App nor an extension"]),
    ("main:many", "EXT600", ["it takes 2 parameters (a, b)"]),
    ("main:nothing", "EXT600", ["it returned a NoneType", "Return the app from the factory"]),
    ("main:later", "EXT600", ["coroutine function"]),
    ("main:exits", "EXT600", ["SystemExit: 4 (main.py:"]),
    ("main:fails", "EXT600", ["KeyError: 'key' (main.py:"]),
    ("main:fails_to_register", "EXT101", ["not three"]),
    ("broken:app", "EXT600", ["ValueError: no luck (broken.py:2)"]),
    ("malformed:app", "EXT600", ["SyntaxError", "(malformed.py:1)"]),
    ("main:raises_own", "EXT201", ["who what: why. fix."]),
    ("needs:app", "EXT600", ["No module named 'no_such_module' (needs.py:1)"]),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("project"))
    program.write("main", MAIN)
    program.write("hangs", HANGS)
    program.write("broken", "\nraise ValueError('no luck')\n")
    program.write("malformed", "def (:\n")
    program.write("needs", "import no_such_module\n")
    return program


@pytest.fixture(scope="module")
def answers(program):
    """Have each target loaded in a process of its own, as `run_query` does; forked, to import the core only once."""
    command = [sys.executable, "-c", dedent(FORKING), json.dumps([target for target, *_ in (*RIGHT, *WRONG)])]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=program.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SOCKETIFY_EXT_DISABLE": ""},
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(path.read_text()) for path in program.folder.glob("*.json")]
    return {each.pop("target"): each for each in told}


@pytest.mark.parametrize(("target", "members", "installed"), RIGHT)
def test_a_target_is_a_name_an_extension_an_app_or_what_makes_one(answers, target, members, installed):
    described = answers[target]["answer"]["value"]
    assert [f"{member['target']}.{member['name']}" for member in described["members"]] == members
    assert described["installed"] is installed


@pytest.mark.parametrize(("target", "code", "texts"), WRONG)
def test_a_wrong_target_gets_one_message_that_says_what_is_wrong_and_what_to_do(answers, target, code, texts):
    error = rebuild_error(answers[target]["error"])
    assert error.code == code
    message = str(error)
    assert "\n" not in message
    assert error.fix
    for text in texts:
        assert text in message


def test_a_target_that_ends_its_process_gets_a_message_too(program, monkeypatch):
    monkeypatch.chdir(program.folder)
    with pytest.raises(errors.TargetError, match="its process ended with exit code 7"):
        run_query(Query("main:dies", "app", 30.0))


def test_an_app_that_hangs_on_start_is_ended_and_the_message_tells_where(program, monkeypatch):
    monkeypatch.chdir(program.folder)
    with pytest.raises(errors.TargetError) as raised:
        run_query(Query("hangs:run", "app", 4.0))
    assert "it still runs after 4 s, in hangs.py:6 (run)" in str(raised.value)
    assert "--timeout" in raised.value.fix


@pytest.mark.parametrize(
    "command",
    [("show",), ("tree",), ("why", "request.own"), ("stubs",), ("lock", "-o", "x.lock")],
    ids=lambda command: command[0],
)
def test_every_command_answers_a_wrong_target_alike(program, command):
    result = program(*command, "broken:app")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: [EXT600] target 'broken:app' can't be loaded: ValueError: no luck")
    assert result.stderr.count("\n") == 1
    assert not (program.folder / "x.lock").exists()


def test_traceback_shows_where_the_target_failed(program):
    result = program("--traceback", "tree", "broken:app")
    assert result.returncode == 1
    assert "Traceback (most recent call last):" in result.stderr
    assert f'File "{program.folder / "broken.py"}", line 2' in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: [EXT600]")


def test_what_a_target_prints_is_no_part_of_the_answer(program):
    result = program.process("tree", "main:app", "--json")
    assert (result.returncode, result.stderr) == (0, "noise\n")
    assert result.stdout.startswith("{")


def test_show_tells_to_use_tree_for_an_app(program):
    result = program("show", "main:app")
    assert result.returncode == 1
    assert "socketify-ext tree main:app" in result.stderr
