"""docs/performance.md and benchmarks/RESULTS.md say what benchmarks/results.json holds."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"


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
    missing = {name for name in used if page.figure(results(), name) == page.MISSING}
    of_speedups = {name for name in used if "speedups" in name}  # which can't be built everywhere
    assert used
    assert missing in (set(), of_speedups)


def test_every_question_is_in_the_table_or_is_said_to_be_missing(script):
    run, table = script("run"), script("table")
    assert list(table.QUESTIONS) == list(run.QUESTIONS)
    default, *others = results()["pythons"].values()
    assert set(default["questions"]) <= set(run.QUESTIONS)
    for entry in others:
        assert set(entry["questions"]) <= set(run.QUESTIONS) - set(run.ONCE)
    sections = (BENCHMARKS / "RESULTS.md").read_text().split("\n## ")
    missing = [part.partition("\n")[0] for part in sections if part.rstrip().endswith("*Not measured.*")]
    assert set(missing) == set(run.QUESTIONS) - set(default["questions"])


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


def test_the_readme_quotes_the_worst_of_all_runs(script):
    written = (ROOT / "README.md").read_text()
    readme = script("readme")
    assert len(readme.ROW.findall(written)) >= 6
    assert written == readme.render(results(), written), "run: python benchmarks/readme.py"
