"""The benchmarks measure ours with the speedups beside ours without them."""

import json
import subprocess
import sys

import pytest

from socketify_ext.runtime import compiled

SUBJECTS = {
    "members": "SUBJECTS",
    "pipelined": "SUBJECTS",
    "light": "SUBJECTS",
    "half_load": "SUBJECTS",
    "workers": "SUBJECTS",
    "ladder": "STEPS",
    "calls": "SUBJECTS",
    "suspending": "SUBJECTS",
    "validated": "SUBJECTS",
    "websocket": "SUBJECTS",
}


@pytest.fixture
def serving(script):
    return script("serving")


@pytest.fixture(params=["not installed", "left out by SOCKETIFY_EXT_SPEEDUPS=0"])
def missing(monkeypatch, request):
    monkeypatch.setattr(compiled, "find", lambda: (None, request.param))
    return request.param


@pytest.mark.parametrize("question", SUBJECTS)
def test_a_server_with_them_has_one_without_them_beside_it(script, serving, question):
    subjects = getattr(script(question), SUBJECTS[question])
    fast = [label for label in subjects if label.endswith(serving.SPEEDUPS)]
    assert fast
    for label in fast:
        without = subjects[label.removesuffix(serving.SPEEDUPS)]
        assert without(1) == serving.without_speedups(subjects[label](1))


@pytest.mark.parametrize("question", SUBJECTS)
def test_all_others_run_without_them(script, serving, question):
    for label, command in getattr(script(question), SUBJECTS[question]).items():
        assert (command(1)[0] == "env") is not label.endswith(serving.SPEEDUPS)


def test_a_server_that_runs_without_them_has_none(serving):
    program = "from socketify_ext.runtime import compiled; print(compiled.find()[1])"
    done = subprocess.run(
        serving.without_speedups([sys.executable, "-c", program]), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "left out by SOCKETIFY_EXT_SPEEDUPS=0"


def test_where_there_are_none_their_rows_are_left_out_with_the_reason(serving, missing):
    cases = {"core": 1, "ours": 2, "ours, speedups": 3}
    assert serving.runnable(cases) == ({"core": 1, "ours": 2}, {"ours, speedups": missing})


def test_where_there_are_some_all_rows_are_measured(serving, monkeypatch):
    monkeypatch.setattr(compiled, "find", lambda: (compiled, "1.0.0"))
    cases = {"core": 1, "ours": 2, "ours, speedups": 3}
    assert serving.runnable(cases) == (cases, {})


def test_a_build_that_failed_is_the_reason(script):
    record = {"left_out": {"ours, speedups": "not installed", "Bun": "not installed", "Robyn": "it answers 500"}}
    script("run").explain(record, {"speedups": "error: no compiler", "bun": "npm is not installed"})
    assert record["left_out"] == {
        "ours, speedups": "error: no compiler",
        "Bun": "npm is not installed",
        "Robyn": "it answers 500",
    }


@pytest.mark.parametrize(
    ("left_out", "speedups"), [({}, "1.0.0"), ({"speedups": "no compiler"}, "not built: no compiler")]
)
def test_a_record_says_which_were_measured(script, monkeypatch, left_out, speedups):
    run = script("run")
    written = json.dumps({"versions": {}, "interpreter": {}, "speedups": "1.0.0"})
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, written))
    assert run.describe(sys.executable, left_out)["speedups"] == speedups


def test_dispatches_are_timed_in_a_process_of_their_own(script):
    with script("dispatcher").dispatcher() as route:
        for timed in (route("floor", 100), route("core", 100), route("ours", 100, members=2, extensions=3)):
            sample = timed()
            assert sample["value"] > 0
            assert sample["cpu"] > 0


def test_a_process_that_cannot_dispatch_is_an_error(script, capfd):
    with script("dispatcher").dispatcher() as route, pytest.raises(RuntimeError, match="nothing"):
        route("nothing", 100)
    assert "KeyError: 'nothing'" in capfd.readouterr().err
