"""benchmarks/question.py judges figures."""

import pytest


@pytest.fixture
def question(script):
    return script("question")


def sample(value, cpu, server=1.0):
    return {"value": value, "cpu": cpu, "server": server, "client": 0.5}


def test_a_goal_is_open_where_throughput_and_cpu_time_disagree(question):
    assert question.target("speed", 1.5, ">=", 1.2, cpu=0.5)["met"] is True
    assert question.target("speed", 1.5, ">=", 1.2, cpu=1.0)["met"] is None


def test_a_goal_that_is_less_is_not_met_by_the_same(question):
    assert question.target("a call, ns", 149, "<", 150)["met"] is True
    assert question.target("a call, ns", 150, "<", 150)["met"] is False


def test_cpu_time_alone_decides_where_a_server_waited(question):
    assert question.target("speed", 1.0, ">=", 1.2, cpu=0.5, busy=False)["met"] is True
    assert question.target("speed", 1.5, ">=", 1.2, cpu=1.0, busy=False)["met"] is False


def test_two_servers_are_compared_round_by_round(question):
    mine, theirs = [sample(20, 5), sample(90, 4)], [sample(10, 10), sample(30, 12)]
    found = question.versus("speed", mine, theirs, ">=", 2)
    assert (found["value"], found["by_cpu"], found["met"]) == (2.5, 2.4, True)
    assert "saturated" not in found


def test_one_round_in_which_one_of_two_servers_waited_counts(question):
    found = question.versus("speed", [sample(20, 5)] * 2, [sample(10, 10), sample(10, 10, server=0.5)], ">=", 2)
    assert found["saturated"] is False


def test_a_row_says_how_busy_both_sides_were(question):
    rows = question.rows({"core": [sample(10, 10, server=0.99), sample(10, 10, server=0.4)]}, "core", cost=False)
    assert rows[0]["server"] == pytest.approx(0.695)
    assert rows[0]["client"] == 0.5
    assert not question.saturated(*rows)


def test_a_row_of_calls_in_process_counts_as_busy(question):
    assert question.saturated({"value": 3.0})
