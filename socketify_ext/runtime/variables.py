"""The context variables of a request or a connection: nothing that one sets is seen by another."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any


def free(variables: Context) -> Context:
    """Return a context that can be entered: a copy where a call inside of it goes on."""
    try:
        variables.run(_enter)
    except RuntimeError:
        return variables.copy()
    return variables


def run_in(variables: Context, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a context, in a copy of it where a call inside of it goes on."""
    return free(variables).run(function, *arguments)


def _enter() -> None:
    """Do nothing inside of a context."""
