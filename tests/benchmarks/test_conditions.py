"""benchmarks/conditions.py says what figures stand on."""

import sys
import sysconfig

import pytest


@pytest.fixture
def conditions(script):
    return script("conditions")


@pytest.mark.parametrize(
    ("variables", "optimised", "lto"),
    [
        ({"CONFIG_ARGS": "'--enable-optimizations' '--with-lto'", "PGO_PROF_USE_FLAG": "-fprofile-use"}, True, True),
        ({"CONFIG_ARGS": "", "PY_CORE_CFLAGS": "-O3 -fprofile-use -flto", "PGO_PROF_USE_FLAG": ""}, True, True),
        ({"CONFIG_ARGS": "'--enable-shared'", "PGO_PROF_USE_FLAG": "-fprofile-use"}, False, False),
        ({"CONFIG_ARGS": "'--enable-shared'", "PGO_PROF_USE_FLAG": ""}, None, False),
        ({}, None, False),
    ],
)
def test_an_interpreter_was_optimised_where_its_build_says_so(conditions, monkeypatch, variables, optimised, lto):
    monkeypatch.setattr(sysconfig, "get_config_var", variables.get)
    found = conditions.interpreter()
    assert found["optimised"] is optimised
    assert found["lto"] is lto
    assert found["loop_ns"] > 0


def test_a_walk_reads_all_of_the_memory(conditions, monkeypatch):
    read = set()

    class Memory(bytearray):
        def __getitem__(self, place):
            read.add(place)
            return super().__getitem__(place)

    monkeypatch.setattr(conditions, "STEPS", 1 << 10)
    conditions.walk(Memory(b"\1" * (1 << 10)))
    assert len(read) == 1 << 10


def test_a_moment_has_load_and_the_time_of_a_step(conditions):
    found = conditions.moment()
    assert found["load"] >= 0
    assert found["walk_ns"] > 0


def test_own_work_is_not_others(conditions, monkeypatch):
    clock, whole, mine = iter([0.0, 10.0]), iter([100.0, 113.0]), iter([1.0, 9.0])
    monkeypatch.setattr(conditions.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(conditions, "busy", lambda: next(whole))
    monkeypatch.setattr(conditions, "own", lambda: next(mine))
    monkeypatch.setattr(conditions.os, "cpu_count", lambda: 2)
    assert conditions.Elsewhere().share() == 0.25


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_the_machine_is_busy_with_our_own_work_at_least(conditions):
    before, mine = conditions.busy(), conditions.own()
    while conditions.own() < mine + 0.05:
        pass
    assert conditions.busy() > before
