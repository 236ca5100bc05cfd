"""pydantic's own plugins, which it looks for when it builds its first model: in the metadata of all that is installed."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator

from .caller import outside_level


@functools.cache
def load_pydantic_plugins() -> None:
    """Let pydantic look for its plugins now, so that metadata of others which it can't read harms no model.

    It looks once, and raises whatever the first unreadable entry_points.txt raises, at whoever builds the first model.
    """
    from pydantic import TypeAdapter

    try:
        TypeAdapter(int)
    except Exception as error:
        culprits = " and ".join(_unreadable()) or "a distribution"
        warnings.warn(
            f"pydantic can't load its plugins: {culprits} has an entry_points.txt that can't be read "
            f"({type(error).__name__}: {error}). Reinstall or remove it; extensions work without these plugins.",
            RuntimeWarning,
            stacklevel=outside_level(),
        )


def _unreadable() -> Iterator[str]:
    from importlib.metadata import distributions

    for distribution in distributions():
        try:
            _ = distribution.entry_points
        except Exception:  # what it raises differs from version to version
            yield str(getattr(distribution, "_path", distribution))
