"""The response whose request stays readable for hooks that come late: at an error, or before the answer."""

from __future__ import annotations

from typing import Any


class Preserved:
    """A mixin whose request takes its snapshot when an answer may come after the handler's first step."""

    # Of the response.
    _request: Any
    # Ours.
    _path: str | None = None  # of the request, where it was noted

    def _wait(self) -> Any:
        request = self._request
        if request is not None and request.req is not None:
            request.preserve()
        return super()._wait()  # type: ignore[misc]
