"""How a place in a file is shown."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

# Files that are called so in every package; the package tells more.
_NAMED_ALIKE: Final = ("__init__.py", "extension.py")


def place(file: str, line: int) -> str:
    """Show a file's name and a line, as in `auth.py:88`, with the package where every package has such a file."""
    path = PurePath(file)
    name = f"{path.parent.name}/{path.name}" if path.name in _NAMED_ALIKE and path.parent.name else path.name
    return f"{name}:{line}"
