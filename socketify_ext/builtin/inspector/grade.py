"""The grade of an extension, where the manifest of its package has one: see docs/manifest.md."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Final

_FILE: Final = "socketify-ext.json"
_LEVELS: Final = ("bronze", "silver", "gold", "platinum")


@functools.lru_cache(256)
def written_grade(name: str, distribution: str | None, file: str) -> str | None:
    """Return the grade that the author of an extension has written into its manifest, or None.

    Args:
        name: of the extension.
        distribution: that it comes from; a manifest of another one tells nothing of it.
        file: where its function is. The manifest is in this package, or in one around it.
    """
    if distribution is None:
        return None
    for folder in Path(file).parents:
        if not (folder / "__init__.py").is_file():
            return None
        try:
            manifest = json.loads((folder / _FILE).read_bytes())
            if manifest["distribution"] == distribution and name in manifest["extensions"]:
                grade = manifest["grades"][name]
                return grade if grade in _LEVELS else None
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return None
    return None
