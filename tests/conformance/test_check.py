"""`socketify-ext check`: each kind of defect is found, and nothing is found where nothing is wrong."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import datetime
import enum
import json
import os
import pty
import re
import subprocess
import sys
import time
import typing
from pathlib import Path
from xml.etree import ElementTree as Xml

import checked_extensions
import pytest
from cli_program import Program

import socketify_ext
from socketify_ext.cli import check as check_command
from socketify_ext.conformance import matrix
from socketify_ext.conformance.calls import UnguessableError, parse, plan
from socketify_ext.conformance.matrix import check_target
from socketify_ext.conformance.observation import Observation, Steps
from socketify_ext.conformance.places import EVENTS, SETTINGS, STYLES, cells
from socketify_ext.conformance.report import KINDS, Finding, Grade, PartReport, Report, Rule
from socketify_ext.errors import TargetError

HERE = Path(__file__).parents[1] / "support"
DOC = (Path(__file__).parents[2] / "docs" / "check.md").read_text()
COMMAND = (sys.executable, "-m", "socketify_ext")


def check(*arguments, **environment):
    return Program(HERE)("check", *arguments, **environment)


def data(done):
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Check an app with all bad extensions, once."""
    file = tmp_path_factory.mktemp("check") / "junit.xml"
    done = check("checked_extensions:bad", "--json", "--junit", str(file), "--timeout", "8")
    return done, data(done), Xml.parse(file).getroot()  # noqa: S314 - our own


def kinds(findings):
    return {finding["kind"] for finding in findings}


# -- what is found


@pytest.mark.parametrize("name", sorted(set(checked_extensions.BAD) - {"register"}))
def test_a_bad_extension_is_found_out_for_what_is_bad_in_it(bad, name):
    _, found, _ = bad
    names = socketify_ext.inspect(app_with(name)).members
    for member in found["parts"]:
        if member["name"] in names:
            assert (member["status"], kinds(member["findings"])) == ("failed", {checked_extensions.BAD[name]})


def app_with(name):
    return socketify_ext.testing.extension_app(getattr(checked_extensions, name))


def test_findings_say_where_in_the_matrix_and_where_in_the_code(bad):
    found = {member["name"]: member["findings"][0] for member in bad[1]["parts"]}
    source = (HERE / "checked_extensions.py").read_text().splitlines()
    places = {"request.audit": "user-agent", "response.exact": "1j", "request.page": "int(", "request.basket": "basket"}
    for name, text in places.items():
        file, _, line = found[name]["place"].partition(":")
        assert file == "checked_extensions.py"
        assert text in source[int(line) - 1]
    assert found["request.task_name"]["where"] == "as configured, sync"
    assert "LookupError: no task runs in 3 of 9 calls" in found["request.task_name"]["problem"]
    assert found["ws.leave"]["where"] == "as configured, sync open"
    assert "exit code 3" in found["ws.leave"]["problem"]


def test_findings_make_the_command_fail(bad):
    done, found, _ = bad
    assert (done.returncode, found["passed"], found["settings"]) == (1, False, ["as configured"])


def test_junit_tells_the_same(bad):
    _, found, root = bad
    (suite,) = root
    cases = {case.get("name"): case for case in suite}
    assert set(cases) == {"the extension", *(member["name"] for member in found["parts"])}
    assert suite.get("failures") == str(sum(member["status"] == "failed" for member in found["parts"]))
    assert cases["request.page"].find("failure").get("type") == "raises"


def test_members_that_run_without_a_server_have_a_cost(bad):
    costs = {member["name"]: member["cost"] for member in bad[1]["parts"]}
    assert costs["request.looked_up"]["nanoseconds"] > 50_000_000
    assert 0 < costs["request.basket"]["nanoseconds"] < 1_000_000
    assert costs["request.visitors"]["bytes"] > 0
    assert costs["request.page"] is None


def test_an_extension_that_can_not_be_registered_is_a_finding():
    done = check("checked_extensions:register", "--json")
    found = data(done)
    assert (done.returncode, kinds(found["findings"])) == (1, {"register"})
    assert "EXT200" in found["findings"][0]["problem"]


# -- what is not found


def test_a_good_extension_passes_in_every_style_and_event():
    done = check("checked_extensions:good", "--option", "word=tea", "--json")
    found = data(done)
    assert (done.returncode, found["passed"]) == (0, True), done.stdout
    assert found["settings"] == ["installed", "scope"]
    assert set(found["skipped"]) == set(SETTINGS) - {"installed", "scope"}
    assert {part["status"] for part in found["parts"]} == {"passed"}
    for part in found["parts"]:
        if part["kind"] in ("method", "property"):
            places = [cell for setting in found["settings"] for cell in cells(setting, part["name"].partition(".")[0])]
            assert part["runs"] == len(places)


def test_all_installed_extensions_are_checked_and_one_without_its_options_is_no_pass():
    names = {each.name for each in socketify_ext.Registry(environment={}).list() if each.source == "builtin"}
    done = check("--all", "--json", SOCKETIFY_EXT_DISABLE=",".join(names - {"auth", "json"}))
    reports = {report["target"]: report for report in data(done) if report["target"] in names}
    assert set(reports) == {"auth", "json"}
    assert (reports["auth"]["status"], reports["auth"]["passed"]) == ("skipped", False)
    assert reports["auth"]["parts"] == []
    assert reports["auth"]["reason"].startswith("it needs options: ")
    assert (reports["json"]["status"], reports["json"]["settings"]) == ("passed", ["installed"])
    assert done.returncode == 0


def test_what_can_not_be_called_is_told_and_is_no_failure(monkeypatch):
    monkeypatch.chdir(HERE)
    found = check_target("checked_extensions:unsure")
    members = {member.name: member for member in found.parts}
    assert found.passed
    assert {member.status for member in members.values()} == {"skipped"}
    assert "no value can be made up for function" in members["request.apply"].reason
    assert "KeyError" in members["request.item"].reason
    assert "--with" in members["request.item"].reason


def test_an_example_with_the_wrong_arguments_is_a_finding_and_no_bar_is_shown_without_a_terminal():
    done = check("checked_extensions:unsure", "--with", "request.item('coffee')")
    assert done.returncode == 1
    assert "raises request.item at checked_extensions.py:" in done.stdout
    assert "ran on: as configured" in done.stdout
    assert "━" not in done.stdout + done.stderr


def test_an_example_says_how_to_call_a_member_and_a_terminal_shows_a_bar_and_the_table():
    leader, follower = pty.openpty()
    command = [*COMMAND, "check", "checked_extensions:unsure", "--with", 'request.item("tea")']
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "NO_COLOR": "1"}
    shown = b""
    with subprocess.Popen(command, cwd=HERE, stdout=follower, stderr=follower, env=variables) as process:
        os.close(follower)
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while part := os.read(leader, 65536):
                shown += part
        assert process.wait(60) == 0, shown
    os.close(leader)
    text = shown.decode()
    assert "━" in text
    assert "passed, 1 of 2 parts skipped" in text
    assert re.search(r'request\.item +item\("tea"\) +9 +[\d,]+ +[\d,]+ +passed', text), text


def test_a_kind_that_is_ignored_is_no_failure():
    report = Report("x", findings=[Finding("docs", "none")])
    report.parts = [PartReport("request.a", "method", "()", "x.py:1", runs=1, findings=[Finding("types", "none")])]
    assert not report.passed
    assert not report.without({"docs"}).passed
    assert report.without({"types"}).passed


# -- bad input


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nobody"], 1, "EXT300"),
        (["checked_extensions:nothing"], 1, "has no attribute 'nothing'"),
        (["no_such_module:app"], 1, "no module 'no_such_module'"),
        (["auth"], 1, "EXT104"),
        (["checked_extensions:stuck", "--timeout", "1"], 1, "still runs after 1 s"),
        (["cart", "--with", "cart"], 1, "Write a call with plain values"),
        (["json", "--option", "colour=red"], 1, "it takes no options"),
        (["cart", "--with", "request.cort()"], 1, "Did you mean 'request.cart'?"),
        (["checked_extensions:unsure", "--option", "a=1"], 1, "it is an app"),
        (["cart", "--option", "colour"], 2, "NAME=VALUE"),
        (["cart", "--header", "colour"], 2, "NAME=VALUE"),
        (["json", "--with", "GET /nowhere"], 1, "the extension has no such route"),
        (["json", "--with", "tags=1"], 1, "the extension has no such route option"),
        (["--all", "--option", "colour=red"], 2, "write EXTENSION.NAME=VALUE with --all"),
        (["--all", "--option", "nobody.colour=red"], 2, "'nobody' is no installed extension"),
        (["--all", "--with", "request.cart"], 2, "go with one target"),
        (["cart", "--option", "auth.realm=here"], 1, "it loads no extension 'auth'"),
        (["cart", "--ignore", "everything"], 2, "is none of"),
        (["cart", "--grade", "diamond"], 2, "is none of bronze, silver, gold, platinum"),
        ([], 2, "give one target, or --all"),
        (["cart", "--all"], 2, "give one target, or --all"),
    ],
)
def test_bad_input_gets_one_clear_message(arguments, code, message):
    done = check(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


# -- results


def report_of(name, level, status):
    report = Report(name, grade=Grade(level, []) if level else None)
    runs, findings = status != "skipped", [Finding("raises", "it does")] if status == "failed" else []
    report.parts = [PartReport("request.a", "method", runs=int(runs), findings=findings)]
    return report


@pytest.mark.parametrize(
    ("reports", "arguments", "code"),
    [
        ([("a", "gold", "passed")], [], 0),
        ([("a", "gold", "passed")], ["--grade", "gold"], 0),
        ([("a", "gold", "passed")], ["--grade", "platinum"], 1),
        ([("a", None, "passed")], ["--grade", "bronze"], 1),
        ([("a", None, "skipped")], [], 1),
        ([("a", "silver", "failed")], [], 1),
        ([("a", "gold", "passed"), ("b", None, "skipped")], [], 0),
        ([("a", "gold", "passed"), ("b", "gold", "failed")], [], 1),
        ([("a", None, "skipped"), ("b", None, "skipped")], [], 1),
        ([("a", "gold", "passed"), ("b", None, "skipped")], ["--grade", "bronze"], 1),
    ],
)
def test_a_run_passes_if_something_has_and_nothing_has_failed_and_if_it_reaches_the_grade(
    monkeypatch, reports, arguments, code
):
    given = {name: report_of(name, *rest) for name, *rest in reports}
    monkeypatch.setattr(matrix, "check_target", lambda target, **_: given[target])
    monkeypatch.setattr(check_command, "_targets", lambda target, options: list(given))
    done = check(*([reports[0][0]] if len(reports) == 1 else ["--all"]), *arguments)
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stderr
    for name, level, status in reports:
        assert f"{name}: {'1 finding' if status == 'failed' else status}" in done.stdout
        assert level is None or f"grade: {level}" in done.stdout


def test_a_report_for_people_says_what_is_missing_for_which_level(monkeypatch):
    report = report_of("a", "bronze", "passed")
    report.grade.rules.append(Rule("documented", "silver", ["one", "two", "three", "four"]))
    monkeypatch.setattr(matrix, "check_target", lambda target, **_: report)
    assert "  silver asks for documented: one; two; three (and 1 more)\n" in check("a").stdout


# -- arguments


class Color(enum.Enum):
    RED = "red"


def planned(annotation, *, target="request"):
    def function(self, value): ...

    function.__annotations__["value"] = annotation
    surfaces = {}

    @socketify_ext.extension("one")
    def one(request, response, ws):
        surfaces.update(request=request, response=response, ws=ws)
        surfaces[target].method(function, name="member")

    (member,) = one.declare().spec.members
    call = plan(member)
    there = {"tag": "tag", "request": "the request", "response": "the response", "ws": "the socket"}
    return call.positional[0](there)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str, "tag"),
        ("str", "tag"),
        (bytes, b"tag"),
        (int, 1),
        (bool, True),
        (None, None),
        (typing.Any, {"probe": "tag"}),
        (int | None, 1),
        ("int | None", 1),
        (typing.Literal["a", "b"], "a"),
        (typing.Annotated[int, "positive"], 1),
        (list[int], [1]),
        (collections.abc.Sequence[str], ["tag"]),
        (tuple[int, str], (1, "tag")),
        (set[str], {"tag"}),
        (dict[str, int], {"tag": 1}),
        (collections.abc.Mapping[str, list[int]], {"tag": [1]}),
        (collections.abc.Callable[[], int] | str, "tag"),
        (Color, Color.RED),
        (datetime.timedelta, datetime.timedelta(seconds=1)),
        (socketify_ext.Request, "the request"),
        (socketify_ext.Response, "the response"),
    ],
    ids=str,
)
def test_an_argument_is_made_of_its_annotation(annotation, value):
    assert planned(annotation) == value


@pytest.mark.parametrize(
    "annotation", [collections.abc.Callable[[], int], "Nowhere", socketify_ext.WebSocket, Observation], ids=str
)
def test_what_nobody_can_make_up_is_not_made_up(annotation):
    with pytest.raises(UnguessableError, match="value"):
        planned(annotation)


def test_an_example_may_name_the_live_objects():
    name, call = parse("response.cors(request, 1, key='x')")
    assert name == "response.cors"
    assert [make({"request": "the request"}) for make in call.positional] == ["the request", 1]
    assert [(key, make({})) for key, make in call.keyword] == [("key", "x")]


def test_calls_that_an_example_needs_go_before():
    class Shop:
        log: typing.ClassVar = []

        async def load(self):
            self.log.append("load")

        def item(self, key):
            self.log.append(key)
            return key

    name, call = parse("await request.load(); response.item('cup'); request.item('tea')")
    assert name == "request.item"
    live = {"request": Shop(), "response": Shop()}
    assert asyncio.run(call.run(live["request"], live)) == "tea"
    assert Shop.log == ["load", "cup", "tea"]


@pytest.mark.parametrize(
    "text", ["", ";", "item()", "app.item()", "request.item", "request.item(open('x'))", "request.item(", "x = 1"]
)
def test_what_is_no_example_is_refused(text):
    with pytest.raises(TargetError, match="can't be read"):
        parse(text)


# -- measuring


def test_only_the_longest_step_of_a_coroutine_counts():
    async def member():
        for _ in range(5):
            time.sleep(0.01)  # noqa: ASYNC251 - what is measured
            await asyncio.sleep(0.02)
        return "done"

    observation = Observation()

    async def run():
        return await Steps(member(), observation)

    assert asyncio.run(run()) == "done"
    assert 0.01 <= observation.longest < 0.1


def test_a_cancellation_reaches_the_member_through_the_steps():
    async def member():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "cleaned up"

    async def run():
        async def step():
            return await Steps(member(), Observation())

        task = asyncio.get_running_loop().create_task(step())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(run()) == "cleaned up"


# -- the page


def test_the_page_says_what_the_command_does():
    table = re.findall(r"^\| `([\w-]+)` \| (.*?) \| (.*?) \|$", DOC, re.MULTILINE)
    assert [(kind, (means, fix)) for kind, means, fix in table] == list(KINDS.items())
    shown = check("--help")
    flags = set(re.findall(r"--[a-z]+", shown.stdout)) - {"--help", "--traceback"}
    assert set(re.findall(r"^\| `(--[a-z]+)", DOC, re.MULTILINE)) == flags
    for name in (*SETTINGS, *STYLES, *EVENTS):
        assert f"`{name}`" in DOC
