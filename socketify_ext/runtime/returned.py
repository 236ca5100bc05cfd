"""What a handler returns: its answer, or nothing that is one."""

from __future__ import annotations

from typing import Any, Final

from .encoding import BYTES_LIKE

_ANSWERS: Final = (str, *BYTES_LIKE, dict, list)
# Of pydantic, msgspec, dataclasses and attrs.
_MODELS: Final = ("model_dump", "__struct_fields__", "__dataclass_fields__", "__attrs_attrs__")


def is_answer(value: Any) -> bool:
    """Check whether a returned value is an answer: text, bytes, a dict, a list or a model.

    Numbers, tuples and the like are none: `res.end` would send them, but who returns True, or a body with a status, means
    something else.
    """
    kind = type(value)
    return issubclass(kind, _ANSWERS) or any(hasattr(kind, name) for name in _MODELS)


def answer_returned(response: Any, value: Any) -> bool:
    """Answer with the value that a handler has returned, as `res.end` does.

    Returns:
        Whether it is an answer.

    Raises:
        TypeError, ValueError: it can't be serialised; nothing was written.
    """
    if not is_answer(value) and (value is None or response._encode is None):
        return False
    response.end(value)
    return True


def answer_awaited(response: Any, value: Any, *, is_handler: bool) -> None:
    """Answer with the result of a coroutine; that of another than the handler counts where nothing else may answer.

    Raises:
        TypeError, ValueError: it can't be serialised; nothing was written.
    """
    if is_handler or (response._tasks == 1 and not response._deferred):
        answer_returned(response, value)


def describe_returned(value: Any) -> str:
    """Return what a handler without an answer has returned, for the log."""
    if value is None:
        return "without an answer"
    return f"without an answer: a {type(value).__name__} is none"
