"""Changes of the code, for `--reload`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from socketify_ext import errors

_DEBOUNCE: Final = 200  # milliseconds that changes of one save may take together
_ENDINGS: Final = (".py", ".pyi", ".html", ".jinja", ".jinja2", ".toml", ".json", ".env")


async def changes_below(folder: Path) -> AsyncIterator[str]:
    """Yield a changed file of each burst of changes, as a path from the folder.

    Raises:
        MissingExtraError: watchfiles is not installed.
    """
    errors.require_extra("watchfiles", "run", "--reload")
    from watchfiles import DefaultFilter, awatch

    class Sources(DefaultFilter):
        """Let files pass that a program is made of."""

        def __call__(self, change: object, path: str) -> bool:
            return path.endswith(_ENDINGS) and super().__call__(change, path)  # type: ignore[arg-type]

    async for changes in awatch(folder, watch_filter=Sources(), debounce=_DEBOUNCE, step=20):
        yield min(str(Path(path).relative_to(folder)) for _, path in changes)
