"""What a request costs, counted instead of timed, so that a regression shows on any machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "support" / "counted_work.py"
MANY, NONE = "500", "0"  # members on each target

SNAPSHOT = {
    "uws_req_for_each_header": 1,
    "uws_req_get_case_sensitive_method": 1,
    "uws_req_get_full_url": 1,
    "uws_req_get_parameter": 2,  # until there is none
    "uws_req_get_url": 1,
}

# What each kind of handler may call in the core, and how often; it may call less.
CALLS = {
    "bytes": {"uws_res_end": 1},
    "text": {"uws_res_end": 1},
    "json": {"socketify_res_cork_send": 1},
    "status and json": {"socketify_res_cork_send": 1},
    "two headers": {"socketify_res_cork_send": 1},
    "status, header and json": {"socketify_res_cork_send": 1},
    "header read twice": {"uws_req_get_header": 2, "uws_res_end": 1},
    "two queries": {"uws_req_get_full_url": 1, "uws_res_end": 1},
    "url and parameter": {"uws_req_get_url": 1, "uws_req_get_parameter": 1, "uws_res_end": 1},
    "async without suspending": {"uws_req_get_header": 1, "uws_res_end": 1},
    "async, suspended once": {**SNAPSHOT, "uws_res_on_aborted": 1, "socketify_res_cork_end": 1},
}


@pytest.fixture(scope="module")
def work():
    """Count in a process of its own, whose native functions were replaced before the runtime bound them.

    Without speedups, which call the core by its addresses.
    """
    environment = {**os.environ, "SOCKETIFY_EXT_SPEEDUPS": "0"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, check=False, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("handler", CALLS)
def test_an_answer_takes_no_more_native_calls_than_it_must(work, handler):
    counted = work["calls"][NONE][handler]
    assert sum(counted.values()) <= sum(CALLS[handler].values()), counted


@pytest.mark.parametrize("handler", CALLS)
def test_an_answer_is_sent_once(work, handler):
    sent = {"uws_res_end", "socketify_res_cork_end", "socketify_res_cork_send", "socketify_res_send"}
    assert sum(many for name, many in work["calls"][NONE][handler].items() if name in sent) == 1


def test_only_a_handler_that_suspends_takes_a_snapshot(work):
    snapshots = {name for name, counted in work["calls"][NONE].items() if "uws_req_for_each_header" in counted}
    assert snapshots == {"async, suspended once"}


def test_members_add_no_native_call(work):
    assert work["calls"][MANY] == work["calls"][NONE]


@pytest.mark.parametrize("members", [NONE, MANY])
def test_a_request_holds_its_pointer_and_what_differs_from_the_defaults(work, members):
    held = work["entries"][members]
    assert set(held["request"]) <= {"req"}
    assert set(held["response"]) <= {"res", "_request", "_variables"}
    assert set(held["request answered"]) <= {"req"}
    assert set(held["response answered"]) <= {"res", "_request", "_variables", "_unsent", "_unsent_type", "_answered"}
    assert sum(len(names) for names in held.values()) < work["core"]


@pytest.mark.parametrize("members", [NONE, MANY])
def test_requests_leave_no_garbage_for_the_collector(work, members):
    assert {name: left["garbage"] for name, left in work["retained"][members].items()} == dict.fromkeys(
        work["retained"][members], 0
    )


@pytest.mark.parametrize("members", [NONE, MANY])
def test_requests_leave_no_memory_behind(work, members):
    # 1,000 requests each; fewer than one block a request is what the interpreter's own caches take.
    assert all(left["blocks"] < 1000 for left in work["retained"][members].values()), work["retained"][members]


def test_a_request_takes_as_many_memory_blocks_with_members_as_without(work):
    assert work["held"][MANY] == work["held"][NONE] <= 8
