"""The access log: one line for each request, with its fields as data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from socketify_ext import Outcome
from socketify_ext.errors import require_extra

from .options import FieldName, Options

Write = Callable[[int, Mapping[str, Any]], None]
Reader = Callable[[Any, Any], "str | None"]

_LONGEST: Final = 2048


def _header(name: str) -> Reader:
    return lambda _res, req: req.get_header(name)


_OF_REQUEST: Final[Mapping[FieldName, Reader]] = {
    "path": lambda _res, req: req.get_url(),
    "query": lambda _res, req: (req.get_full_url() or "").partition("?")[2],
    "address": lambda res, _req: res.get_remote_address(),
    "host": _header("host"),
    "user_agent": _header("user-agent"),
    "referer": _header("referer"),
}
_OF_OUTCOME: Final[Mapping[FieldName, Callable[[Outcome], Any]]] = {
    "method": lambda outcome: clean(outcome.method),
    "route": lambda outcome: outcome.route,
    "status": lambda outcome: outcome.status,
    "duration_ms": lambda outcome: round(outcome.duration * 1000, 3),
    "aborted": lambda outcome: outcome.aborted,
}


def clean(text: str | None) -> str | None:
    """Return what a client sent without what could begin a new line, or steer the terminal that shows it."""
    if text is None:
        return None
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return text if text.isprintable() else text.encode("unicode_escape").decode()


class AccessLog:
    """Reads the fields that the options name, and writes lines.

    Args:
        options: of the extension.
    """

    def __init__(self, options: Options) -> None:
        self._fields = options.fields
        self._readers = {name: _OF_REQUEST[name] for name in options.fields if name in _OF_REQUEST}
        self._write = _writer(options)

    def read(self, response: Any, request: Any) -> dict[str, str | None]:
        """Read what only the beginning of a request knows."""
        return {name: clean(read(response, request)) for name, read in self._readers.items()}

    def write(self, request_id: str, read: Mapping[str, str | None], outcome: Outcome) -> None:
        """Write the line of a request.

        Args:
            request_id: its id.
            read: what `read` has found.
            outcome: of the request.
        """
        values: dict[str, Any] = {}
        for name in self._fields:
            if name in _OF_OUTCOME:
                values[name] = _OF_OUTCOME[name](outcome)
            else:
                values[name] = request_id if name == "request_id" else read.get(name)
        level = logging.ERROR if outcome.status is not None and outcome.status >= 500 else logging.INFO
        self._write(level, values)


def _writer(options: Options) -> Write:
    if options.access_log == "structlog":
        require_extra("structlog", "structlog", "extension 'request-id'", distribution="socketify-ext-request-id")
        import structlog

        bound = structlog.get_logger(options.logger)

        def write_event(level: int, values: Mapping[str, Any]) -> None:
            (bound.error if level == logging.ERROR else bound.info)("request", **values)

        return write_event
    logger = logging.getLogger(options.logger)

    def write_record(level: int, values: Mapping[str, Any]) -> None:
        if logger.isEnabledFor(level):
            logger.log(level, "%s", _Line(values), extra=values)

    return write_record


class _Line:
    """The text of a record, made where a formatter asks for it: `name=value`, as logfmt has it."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __str__(self) -> str:
        return " ".join(f"{name}={_word(value)}" for name, value in self._values.items() if value is not None)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text and not any(character in text for character in ' "=\\'):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
