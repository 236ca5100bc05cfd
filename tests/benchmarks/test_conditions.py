"""benchmarks/conditions.py says what figures stand on."""

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
