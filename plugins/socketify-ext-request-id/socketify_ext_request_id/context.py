"""The id of the request that is being served, for whatever logs meanwhile."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Final

CURRENT: Final[ContextVar[str | None]] = ContextVar("socketify_ext_request_id", default=None)


def current_request_id() -> str | None:
    """Return the id of the request in whose hooks, handler or tasks this is called, None outside of one."""
    return CURRENT.get()


class RequestIdFilter(logging.Filter):
    """Give each record of a handler or a logger the attribute `request_id`, `-` outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute, and let the record pass."""
        if not hasattr(record, "request_id"):
            record.request_id = CURRENT.get() or "-"
        return True
