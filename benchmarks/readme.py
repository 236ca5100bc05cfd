"""Write the figures of the README: the worst ratio of each case, of all runs and interpreters."""

from __future__ import annotations

import re

from figures import HERE, MISSING, Record, read, worst_ratio

README = HERE.parent / "README.md"
ROW = re.compile(r"^\| (.+) \| (?:\d+\.\d\d|-) \|$", re.MULTILINE)


def render(results: Record, text: str) -> str:
    """Fill the table of the cases that it names, the fastest first."""
    found = list(ROW.finditer(text))
    worst = [(case, worst_ratio(results, "members", case)) for case in (match[1] for match in found)]
    worst.sort(key=lambda pair: -(pair[1] or 0))
    rows = [f"| {case} | {MISSING if ratio is None else f'{ratio:.2f}'} |" for case, ratio in worst]
    return text[: found[0].start()] + "\n".join(rows) + text[found[-1].end() :]


if __name__ == "__main__":
    README.write_text(render(read(), README.read_text()))
