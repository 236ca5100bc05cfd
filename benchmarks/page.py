"""Write docs/performance.md from results.json and the text in performance.template.md."""

from __future__ import annotations

import re

from figures import (
    HERE,
    MISSING,
    Record,
    default_python,
    number,
    question_table,
    read,
    taken,
    targets_table,
    versions_table,
)
from standing import interpreters, summary

PAGE = HERE.parent / "docs" / "performance.md"
TEMPLATE = HERE / "performance.template.md"


def figure(results: Record, path: str) -> str:
    """Set one figure of the default interpreter: `question/case/key`, or `question/group/case/key`."""
    question, *group, case, key = path.split("/")
    record = results["pythons"][default_python(results)]["questions"].get(question)
    for row in record["rows"] if record else ():
        if row["case"] == case and (not group or row.get("group") == group[0]):
            if key in row:
                return f"{row[key]:.2f}" if key.endswith("ratio") else number(row[key])
            break
    return MISSING


def render(results: Record) -> str:
    """Fill the template: `{{taken}}`, `{{targets}}`, `{{versions}}`, `{{table members}}`, `{{members/ours/ratio}}`."""
    whole = {
        "taken": taken,
        "targets": targets_table,
        "versions": versions_table,
        "interpreters": interpreters,
        "conditions": summary,
        "default_python": default_python,
    }

    def fill(match: re.Match[str]) -> str:
        what = match[1]
        if what in whole:
            return whole[what](results)
        if what.startswith("table "):
            return question_table(results, what.removeprefix("table "))
        return figure(results, what)

    return re.sub(r"\{\{(.+?)\}\}", fill, TEMPLATE.read_text())


if __name__ == "__main__":
    PAGE.write_text(render(read()))
