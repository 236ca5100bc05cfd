"""The rest of a worker: after a number of requests it asks for another one in its place."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from socketify_ext.app import App

_SPREAD: Final = 0.1  # so that workers that began together don't rest together


def rest_after(app: App, requests: int, ask: Callable[[], None]) -> None:
    """Call `ask` once, after about that many requests."""
    left = round(requests * (1 + random.uniform(-_SPREAD, _SPREAD))) or 1  # noqa: S311 - no secret

    @app.after_response
    def count(_outcome: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            ask()
