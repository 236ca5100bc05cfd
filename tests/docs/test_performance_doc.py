"""docs/performance.md and benchmarks/RESULTS.md say what benchmarks/results.json holds."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"


@pytest.fixture
def script(monkeypatch):
    """Import a script of the benchmarks, and forget it again."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def results():
    return json.loads((BENCHMARKS / "results.json").read_text())


def test_the_page_says_what_was_measured(script):
    assert PAGE.read_text() == script("page").render(results()), "run: python benchmarks/page.py"


def test_the_table_says_what_was_measured(script):
    written = (BENCHMARKS / "RESULTS.md").read_text()
    assert written == script("table").render(results()), "run: python benchmarks/table.py"


def test_every_figure_in_the_text_was_measured(script):
    page = script("page")
    used = re.findall(r"\{\{([^}]+/[^}]+)\}\}", page.TEMPLATE.read_text())
    missing = [name for name in used if page.figure(results(), name) == page.MISSING]
    assert used
    assert not missing


def test_every_question_is_in_the_results_and_in_the_table(script):
    run, table = script("run"), script("table")
    assert list(table.QUESTIONS) == list(run.QUESTIONS)
    default, *others = results()["pythons"].values()
    assert set(default["questions"]) == set(run.QUESTIONS)
    for entry in others:
        assert set(entry["questions"]) == set(run.QUESTIONS) - set(run.ONCE)


def test_every_goal_of_a_record_is_on_the_page():
    text = PAGE.read_text()
    for entry in results()["pythons"].values():
        for record in entry["questions"].values():
            for goal in record["targets"]:
                assert f"| {goal['what']} |" in text


def test_every_plot_on_the_page_is_there():
    plots = re.findall(r"\]\((plots/[^)]+)\)", PAGE.read_text())
    assert plots
    for plot in plots:
        assert (PAGE.parent / plot).is_file()


def test_the_readme_quotes_the_lower_figure_of_the_page():
    page = (ROOT / "docs/performance.md").read_text()
    quoted = re.findall(r"^\| (.+) \| (\d\.\d\d) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(quoted) == 6
    for server, ratio in quoted:
        cells = re.search(rf"^\| {re.escape(server)} \|(.+)\|$", page, re.MULTILINE)[1].split("|")
        assert min(float(cells[1]), float(cells[5])) == float(ratio), server
