"""benchmarks/figures.py, standing.py and readme.py write what a record says."""

import pytest


def results(*ratios, **more):
    row = {"case": "ours", "value": 5.0, "ratio": ratios[0], "server": 0.95, "client": 0.5, "cost": False}
    if len(ratios) > 1:
        row["spread"] = {"ratio": [min(ratios), max(ratios)]}
    moments = [{"load": 0.2, "walk_ns": 100.0}, {"load": 1.4, "walk_ns": 120.0}]
    run = {"before": moments[0], "after": moments[1], "seconds": 4, "elsewhere": 0.03}
    record = {"unit": "requests/s", "rows": [row | more], "targets": [], "runs": [run] * len(ratios)}
    return {"pythons": {"3.13.0": {"questions": {"members": record}}}}


def test_a_ratio_has_its_spread(script):
    assert "| 1.50 (1.40-1.60) |" in script("figures").question_table(results(1.5, 1.4, 1.6), "members")


def test_a_ratio_of_one_run_stands_alone(script):
    assert "| 1.50 |" in script("figures").question_table(results(1.5), "members")


def test_a_row_says_how_busy_server_and_client_were(script):
    assert "| 95% / 50% |" in script("figures").question_table(results(1.5), "members")


def test_a_row_whose_server_waited_is_marked(script):
    figures = script("figures")
    assert figures.UNSATURATED not in figures.question_table(results(1.5), "members")
    assert f"5 {figures.UNSATURATED} |" in figures.question_table(results(1.5, server=0.5), "members")


def test_a_question_without_answer_says_so(script):
    assert script("figures").question_table({"pythons": {"3.13.0": {"questions": {}}}}, "light") == "*Not measured.*"


def test_conditions_name_load_runs_and_servers_that_waited(script):
    line = script("standing").conditions(results(1.5, 1.4, server=0.5)).splitlines()[-1]
    assert line == "| members | 3.13.0 | 2 | 8 | 0.2-1.4 | 3% | 1.20 | 1 |"


def test_a_starved_cache_is_named(script):
    record = results(1.5)
    record["pythons"]["3.13.0"]["questions"]["members"]["runs"][0]["after"]["walk_ns"] = 200.0
    standing = script("standing")
    assert "2.00 (starved)" in standing.conditions(record)
    assert "starved around 1 of 1 questions" in standing.summary(record)


def test_figures_from_before_conditions_were_recorded_say_so(script):
    record = results(1.5)
    del record["pythons"]["3.13.0"]["questions"]["members"]["runs"]
    standing = script("standing")
    assert standing.conditions(record) == standing.summary(record) == standing.NOT_RECORDED
    assert standing.interpreters(record) == "- Python 3.13.0: not recorded."


@pytest.mark.parametrize(
    ("optimised", "words"),
    [(True, "optimised with profiles"), (False, "built without profiles"), (None, "does not say how")],
)
def test_an_interpreter_says_how_it_was_built(script, optimised, words):
    record = results(1.5)
    record["pythons"]["3.13.0"]["interpreter"] = {
        "implementation": "CPython",
        "compiler": "GCC 12.2.0",
        "optimised": optimised,
        "lto": False,
        "loop_ns": 31.0,
    }
    line = script("standing").interpreters(record)
    assert words in line
    assert "speedups" not in line
    assert "GCC 12.2.0" in line
    assert "31 ns" in line


@pytest.mark.parametrize("speedups", ["1.0.0", "not built: error: no compiler"])
def test_an_interpreter_says_which_speedups_were_measured(script, speedups):
    record = results(1.5)
    about = {"implementation": "CPython", "compiler": "GCC", "optimised": True, "lto": True, "loop_ns": 31.0}
    record["pythons"]["3.13.0"] |= {"interpreter": about, "speedups": speedups}
    assert script("standing").interpreters(record).endswith(f"; speedups {speedups}.")


@pytest.mark.parametrize(
    ("goal", "words"),
    [("< 150", "less than 150"), ("<= 0.9", "at most 0.9"), ("> 1", "more than 1"), (">= 4", "at least 4")],
)
def test_a_goal_is_written_in_words(script, goal, words):
    record = results(1.5)
    each = {"what": "a figure", "value": 1.0, "goal": goal, "met": True}
    record["pythons"]["3.13.0"]["questions"]["members"]["targets"] = [each]
    assert f"| a figure | {words} |" in script("figures").targets_table(record)


def test_the_readme_has_our_worst_and_the_best_of_others_in_order(script):
    text = "before\n\n| core | 1.00 |\n| Fastify | - |\n| ours | 9.99 |\n\nafter\n"
    record = results(1.5, 1.4, 1.6)
    record["pythons"]["3.13.0"]["questions"]["members"]["rows"].append({"case": "core", "value": 1.0, "ratio": 1.0})
    record["pythons"]["3.11.0"] = {
        "questions": {"members": {"rows": [{"case": "ours", "value": 1.0, "ratio": 1.7}], "targets": []}}
    }
    peer = {"case": "Fastify", "value": 1.0, "ratio": 0.9, "spread": {"ratio": [0.5, 1.1]}}
    record["pythons"]["3.11.0"]["questions"]["members"]["rows"].append(peer)
    written = "before\n\n| ours | 1.40 |\n| Fastify | 1.10 |\n| core | 1.00 |\n\nafter\n"
    assert script("readme").render(record, text) == written


def test_the_readme_does_not_invent_a_figure(script):
    assert script("readme").render(results(1.5), "| Granian | 1.00 |\n") == "| Granian | - |\n"
