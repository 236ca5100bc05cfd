"""The context variables of a request or a connection: nothing that one sets is seen by another."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any, Final

owner: Final[ContextVar[Any]] = ContextVar("socketify_ext_owner", default=None)
"""The request in whose context code runs, where hooks need to know it."""


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


def run_for(response: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a hook's function in the context of its request: the current one where that is one of the request's.

    An answer may be given from another request's handler, or by the server itself.
    """
    if owner.get() is response._request:
        return function(*arguments)
    return run_in(response._variables, function, *arguments)


def _enter() -> None:
    """Do nothing inside of a context."""
