"""Write the figures of the README: our worst ratios of all runs and interpreters, and the best of the others."""

from __future__ import annotations

import re

from figures import HERE, MISSING, Record, quoted_ratio, read

README = HERE.parent / "README.md"
ROW = re.compile(r"^\| (.+) \| (?:\d+\.\d\d|-) \|$", re.MULTILINE)


def render(results: Record, text: str) -> str:
    """Fill the table of the cases that it names, the fastest first."""
    found = list(ROW.finditer(text))
    quoted = [(case, quoted_ratio(results, "members", case)) for case in (match[1] for match in found)]
    quoted.sort(key=lambda pair: -(pair[1] or 0))
    rows = [f"| {case} | {MISSING if ratio is None else f'{ratio:.2f}'} |" for case, ratio in quoted]
    return text[: found[0].start()] + "\n".join(rows) + text[found[-1].end() :]


if __name__ == "__main__":
    README.write_text(render(read(), README.read_text()))
