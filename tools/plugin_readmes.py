"""docs/plugins.md: the readmes of the plugins under plugins/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PLUGINS: Final = Path(__file__).parent.parent / "plugins"

HEAD = """# Plugins

Distributions of their own, with extensions that are found once they are installed. To write your own, see
[Your own extension](extensions.md)."""


def render() -> str:
    """Return the page."""
    return "\n\n".join([HEAD, *(_lowered(path.read_text()) for path in sorted(PLUGINS.glob("*/README.md")))]) + "\n"


def _lowered(readme: str) -> str:
    """Return a readme with each heading one level lower, except in blocks of code."""
    parts = re.split(r"(^```.*?^```$)", readme.strip(), flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else re.sub(r"^#", "##", part, flags=re.MULTILINE) for part in parts)
