"""`check_target` on what an extension declares beside members: hooks, routes, sockets, start and end, options."""

from __future__ import annotations

import os
from pathlib import Path

import hostile_extensions
import pytest

from socketify_ext.conformance import session
from socketify_ext.conformance.bodies import BODIES
from socketify_ext.conformance.endings import HANDLERS
from socketify_ext.conformance.matrix import check_target
from socketify_ext.conformance.places import ANSWERS, METHODS
from socketify_ext.conformance.visits import hook_visits
from socketify_ext.errors import TargetError

HERE = Path(__file__).parents[1] / "support"
PATIENCE = 2.0  # seconds; a hook that never ends takes them once


@pytest.fixture(scope="module", autouse=True)
def folder():
    """Run in the folder of the extensions, whose modules the processes import."""
    before = Path.cwd()
    os.chdir(HERE)
    yield HERE
    os.chdir(before)


def check(name, **options):
    return check_target(f"hostile_extensions:{name}", patience=PATIENCE, costs=False, **options)


def found(report):
    """Return the kinds of findings of each part."""
    return {part.name: {finding.kind for finding in part.findings} for part in report.parts}


def part(report, name):
    (only,) = [each for each in report.parts if each.name == name]
    return only


# -- hooks


@pytest.fixture(scope="module")
def harmful(folder):
    """Check an app with all harmful hooks, once."""
    return check("harmful")


@pytest.mark.parametrize("name", hostile_extensions.HARMFUL)
def test_a_hook_is_found_out_for_the_harm_that_it_does_and_no_other_hook_is(harmful, name):
    kind = hostile_extensions.HARMFUL[name]
    (hook,) = [each for each in harmful.parts if each.name.endswith(f" {name} /{name}")]
    assert {finding.kind for finding in hook.findings} == ({kind} if kind else set())
    assert hook.runs > 0
    assert hook.place.startswith("hostile_extensions.py:")
    assert hook.status == ("failed" if kind else "passed")


def test_the_check_of_harmful_hooks_goes_on_to_its_end_and_has_nothing_else_to_say(harmful):
    assert harmful.findings == []
    assert (harmful.status, harmful.settings, harmful.grade) == ("failed", ["as configured"], None)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("blocks_for_ever", "in hostile_extensions.py:"),
        ("segfaults", "SIGSEGV"),
        ("exits", "exit code 3"),
        ("exits_at_post", "exit code 4"),
        ("quits", "SystemExit: 5 ends the process"),
        ("fails_for_post", "ValueError: no POST in 4 of"),
        ("escapes", "EscapingError: gone"),
        ("is_slow", "holds each request up for 1."),
    ],
)
def test_a_finding_of_a_hook_says_what_has_happened(harmful, name, problem):
    (hook,) = [each for each in harmful.parts if each.name.endswith(f" {name} /{name}")]
    assert problem in hook.findings[0].problem


def test_a_hook_that_refuses_is_no_defect_and_what_it_keeps_from_being_called_is_told():
    report = check("behind_a_guard")
    assert report.passed
    assert (part(report, "before_request guard").status, part(report, "before_request guard").findings) == (
        "passed",
        [],
    )
    member = part(report, "request.reached")
    assert (member.runs, member.status) == (0, "skipped")
    assert "before_request guard (hostile_extensions.py:" in member.reason
    assert "401 no key; give what it asks for by --header" in member.reason


def test_headers_lead_past_a_hook_that_asks_for_them():
    report = check("behind_a_guard", headers={"X-Key": "open"})
    assert report.passed
    assert part(report, "request.reached").status == "passed"
    assert part(report, "request.reached").runs > 0


def test_members_behind_a_hook_that_hangs_are_skipped_and_hooks_of_other_paths_are_not():
    report = check("behind_a_hang")
    assert found(report)["before_request never"] == {"hangs"}
    member = part(report, "request.reached")
    assert member.status == "skipped"
    assert "before_request never (hostile_extensions.py:" in member.reason
    assert "is on the way" in member.reason
    assert part(report, "before_request elsewhere /elsewhere").status == "skipped"  # below the other


def test_a_hook_is_called_with_every_method_and_every_way_to_answer():
    names = [visit.where for visit in hook_visits([""])]
    assert len(set(names)) == len(names)
    assert {f"{method} text" for method in METHODS} < set(names)
    assert {f"GET {answer}" for answer in ANSWERS if answer not in ("text", "waiting")} < set(names)
    assert len(HANDLERS) == len(ANSWERS)
    below = list(hook_visits(["/api"]))
    assert len(below) == len(names)
    assert all(visit.path.startswith("/api/") for visit in below)


@pytest.fixture(scope="module")
def modern(folder):
    return check("modern", examples=['rate="5/minute"'])


@pytest.mark.parametrize(
    "name",
    [
        "request.visitor",
        "before_upgrade upgrade",
        "before_send send",
        "on_error failed",
        "on_ws_message heard",
        "on_listen listening",
        "before_close closing",
        "on_route routed",
        "route option tags",
        "route option rate",
        "before_request limited",
    ],
)
def test_every_kind_of_hook_and_the_options_of_routes_are_exercised(modern, name):
    assert (part(modern, name).status, part(modern, name).reason) == ("passed", "")
    assert part(modern, name).runs > 0


def test_what_no_probe_leads_to_is_skipped_and_keeps_the_grade_down(modern):
    assert modern.settings == ["installed", "scope"]
    assert part(modern, "before_request never").status == "skipped"
    (places,) = [rule for rule in modern.grade.rules if rule.name == "places"]
    assert [text.partition(" was skipped")[0] for text in places.missing] == ["before_request never"]
    assert modern.grade.level == "silver"


def test_an_option_of_routes_whose_value_can_not_be_made_up_is_skipped():
    option = part(check("modern"), "route option rate")
    assert option.status == "skipped"
    assert "no rate" in option.reason
    assert "give a value by --with rate=VALUE" in option.reason


# -- routes and sockets


@pytest.fixture(scope="module")
def faulty(folder):
    return check("faulty")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("GET /raises", "raises"),
        ("GET /blocks", "blocks"),
        ("GET /hangs", "hangs"),
        ("GET /leaks", "leaks"),
        ("GET /answers-twice", "logged"),
        ("WS /chat message", "leaks"),
        ("WS /chat close", "raises"),
        ("request.look", "piles-up"),
        ("request.watch", "piles-up"),
        ("on_shutdown stop", "hangs"),
    ],
)
def test_a_route_a_socket_or_a_function_of_the_end_is_found_out(faulty, name, kind):
    assert found(faulty)[name] == {kind}


def test_nothing_else_is_found_there(faulty):
    assert faulty.findings == []


def test_extensions_with_nothing_but_hooks_routes_or_sockets_pass():
    report = check("sound", examples=['POST /orders {"sku": "tea"}'])
    assert {each.status for each in report.parts} == {"passed"}
    orders = part(report, "POST /orders")
    assert (orders.runs, orders.refused) == (2, 0)
    assert part(report, "not_found").runs > 0
    assert {"before_request <lambda>", "WS /chat/:room message", "GET /orders/:id"} < set(found(report))


def test_a_route_gets_bodies_of_every_kind_until_one_is_taken():
    report = check("sound")
    orders = part(report, "POST /orders")
    assert orders.runs == orders.refused == len(BODIES) + 2  # again, and a client that leaves
    assert part(report, "ANY /any/*").refused == 0


def test_an_example_must_lead_to_a_route():
    with pytest.raises(TargetError, match="the extension has no such route") as raised:
        check("sound", examples=["GET /orders"])
    assert "GET /orders/:id" in raised.value.fix


# -- the whole process


@pytest.mark.parametrize("is_forked", [True, False])
def test_what_is_replaced_for_the_whole_process_is_found(monkeypatch, is_forked):
    if not is_forked:  # as where the environment is another than when the fork server was started
        monkeypatch.setattr(session, "fork_server", lambda *_: None)
    report = check_target("hostile_extensions:patching", patience=30, costs=False)  # no probe that hangs, however slow
    problems = {finding.problem: finding for finding in report.findings}
    for name in ("json.dumps", "builtins.repr", "socketify.socketify.App.publish", "time.ctime"):
        assert f"{name} is replaced, for all that runs in the process" in problems, problems.values()


def test_a_hook_that_leaves_threads_behind_is_found():
    report = check("threading_app")
    assert found(report) == {"before_request start": {"piles-up"}}


def test_a_serializer_that_writes_no_json_is_found():
    assert found(check("writing_badly")) == {"json_serializer": {"answer"}}


def test_a_function_of_the_end_that_blocks_is_found_with_its_line():
    report = check("stopping_never")
    (finding,) = part(report, "on_shutdown stop").findings
    assert finding.kind == "hangs"
    assert "hostile_extensions.py:" in finding.problem


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("raises_when_declared", "EscapingError: no (hostile_extensions.py:"),
        ("needs_a_database", "failed to start in needs_a_database.<locals>.connect: ConnectionRefusedError"),
    ],
)
def test_an_extension_that_can_not_be_registered_or_started_is_a_finding(name, problem):
    report = check(name)
    (finding,) = report.findings
    assert finding.kind == "register"
    assert problem in finding.problem
    assert report.grade.level is None


def test_an_extension_that_ends_the_process_when_it_is_declared_is_one_clear_error():
    with pytest.raises(TargetError, match="its process ended with exit code 6"):
        check("exits_when_declared")


def test_an_extension_with_nothing_to_call_is_no_pass():
    report = check("nothing")
    assert (report.status, report.passed, report.findings, report.parts) == ("skipped", False, [], [])
    assert report.grade.level is None


# -- options


def test_options_are_tried_and_defects_of_theirs_are_found():
    report = check("bad_options")
    assert found(report) == {
        "request.mode": set(),
        "option mode": set(),
        "option size": {"options"},
        "option is_strict": {"options"},
        "option secret": set(),
    }
    assert "the default of size is not one" in part(report, "option size").findings[0].problem
    assert (
        "is_strict=True fails: LookupError: strict is not ready" in part(report, "option is_strict").findings[0].problem
    )
    (options,) = [rule for rule in report.grade.rules if rule.name == "options"]
    assert "option size has no description" in options.missing
    assert any(text.startswith("option secret shows its value") for text in options.missing)
