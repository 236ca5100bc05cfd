"""`HTTPError`: an answer that a handler or a member raises."""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Any


class HTTPError(Exception):
    """Raise it to answer with a status and a body `{"detail": detail}`.

    Args:
        status: the status code.
        detail: any JSON value; the status code's phrase by default.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.detail = http.HTTPStatus(status).phrase if detail is None else detail
        self.headers = dict(headers or {})
        super().__init__(status, self.detail)

    def __str__(self) -> str:
        return f"{self.status} {self.detail}"
