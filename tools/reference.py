"""Generate pages under docs/ from the code; `--check` writes nothing and fails if a page is out of date."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import built_ins
import plugin_readmes
import public_names

DOCS: Final = Path(__file__).parent.parent / "docs"
PAGES: Final[dict[str, Callable[[], str]]] = {
    "reference.md": public_names.render,
    "extensions-reference.md": built_ins.render,
    "plugins.md": plugin_readmes.render,
}


def main(arguments: list[str]) -> int:
    """Write or check all pages; return the exit code."""
    wrong = [page for page, render in PAGES.items() if (DOCS / page).read_text() != render()] if arguments else []
    if not arguments:
        for page, render in PAGES.items():
            (DOCS / page).write_text(render())
    for page in wrong:
        print(f"docs/{page} is out of date; run: make reference", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
