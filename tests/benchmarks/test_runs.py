"""benchmarks/runs.py makes one record of several runs."""

import pytest


@pytest.fixture
def runs(script):
    return script("runs")


def record(ratio, *, met=True, load=0.1, cases=("core", "ours"), **more):
    rows = [
        {"case": case, "value": ratio * 1000, "ratio": ratio, "cost": False, "low": 1.0, "high": 2.0, **more}
        for case in cases
    ]
    goal = {"what": "ours to the core", "value": ratio, "goal": ">= 1", "met": met}
    moment = {"load": load, "walk_ns": 100.0}
    return {
        "unit": "requests/s",
        "rows": rows,
        "targets": [goal],
        "left_out": {name: "it answers 500" for name in ("core", "ours") if name not in cases},
        "runs": [{"before": moment, "after": moment, "seconds": 3, "elsewhere": 0.0}],
    }


def test_a_figure_is_the_median_and_keeps_the_least_and_the_greatest(runs):
    row = runs.merge([record(1.5), record(1.2), record(1.9)])["rows"][1]
    assert row["ratio"] == 1.5
    assert row["spread"]["ratio"] == [1.2, 1.9]
    assert row["spread"]["value"] == [1200, 1900]


def test_what_one_run_says_of_its_rounds_is_not_kept(runs):
    assert not {"low", "high"} & set(runs.merge([record(1.5)])["rows"][0])


def test_a_single_run_has_no_spread(runs):
    assert "spread" not in runs.merge([record(1.5)])["rows"][0]


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [((True, True), True), ((False, False), False), ((True, False), None), ((True, None), None), ((None, None), None)],
)
def test_a_goal_is_open_where_runs_differ(runs, verdicts, together):
    assert runs.merge([record(1.5, met=met) for met in verdicts])["targets"][0]["met"] is together


def test_what_every_run_stood_on_is_kept(runs):
    merged = runs.merge([record(1.5, load=0.1), record(1.5, load=2.5)])
    assert [run["before"]["load"] for run in merged["runs"]] == [0.1, 2.5]


def test_a_case_that_one_run_left_out_has_the_figures_of_the_others(runs):
    merged = runs.merge([record(1.5, cases=("core",)), record(1.9), record(1.7)])
    assert [row["case"] for row in merged["rows"]] == ["core", "ours"]
    assert merged["rows"][1]["ratio"] == 1.8
    assert merged["left_out"] == {}


def test_a_case_that_every_run_left_out_keeps_its_reason(runs):
    merged = runs.merge([record(1.5, cases=("core",))] * 2)
    assert merged["left_out"] == {"ours": "it answers 500"}


def test_columns_of_a_question_are_merged_too(runs):
    first, second = record(1.0, p99=4.0), record(1.0, p99=8.0)
    first["columns"] = second["columns"] = {"p99": "p99, ms"}
    assert runs.merge([first, second])["rows"][0]["spread"]["p99"] == [4.0, 8.0]


def test_a_server_that_waited_in_one_run_marks_the_goal(runs):
    waited = record(1.5)
    waited["targets"][0]["saturated"] = False
    assert runs.merge([record(1.5), waited])["targets"][0]["saturated"] is False
