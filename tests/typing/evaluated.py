# mypy: ignore-errors
"""An extension whose annotations are objects, not texts: no `from __future__ import annotations` here."""

from datetime import date
from typing import Any, List, Optional, TypeVar, Union

import socketify_ext


@socketify_ext.extension("evaluated")
def evaluated(request: Any, response: Any, ws: Any) -> None:
    """Have types that only this function holds."""
    # Nothing can import a type variable of a function, so that the stub module makes its own.
    V = TypeVar("V", bound=date)

    @request.method
    def latest(self: Any, days: List[V], otherwise: Optional[V] = None) -> V:
        """Return the latest day."""
        return max(days, default=otherwise)

    @ws.method
    def tell(self: Any, *days: "Union[date, str]") -> "date":
        """Tell of days."""
