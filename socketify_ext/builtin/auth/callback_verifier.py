"""`CallbackVerifier`: the app's own function that finds the user of a token."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from ... import errors
from .user import User, is_identity

# What tells users apart in the mapping of a verify function, the first that is there.
_IDENTITIES: Final = ("id", "sub", "name")


class CallbackVerifier:
    """Ask `verify(token)` or `verify(token, request)`, sync or async.

    What it raises is raised: an `HTTPError` is the answer, anything else a 500, and nobody is let in.

    Args:
        verify: the app's function.
        takes_names: whether a user without `id` and `sub` is told apart by the name.

    Raises:
        OptionsError: it takes neither one nor two arguments.
    """

    def __init__(self, verify: Callable[..., Any], *, takes_names: bool = True) -> None:
        self._verify = verify
        self._identities = _IDENTITIES if takes_names else _IDENTITIES[:-1]
        self._takes_request = takes_request(verify)

    def __call__(self, token: str, request: Any) -> User | Awaitable[User | None] | None:
        """Return the user of a token."""
        result = self._verify(token, request) if self._takes_request else self._verify(token)
        return self._awaited(result) if inspect.isawaitable(result) else as_user(result, self._identities)

    async def _awaited(self, result: Awaitable[Any]) -> User | None:
        return as_user(await result, self._identities)


def as_user(result: Any, identities: Sequence[str] = _IDENTITIES) -> User | None:
    """Return the user that a verify function's answer stands for.

    Args:
        result: what it has returned.
        identities: the keys that tell users apart, the first that is there.

    Raises:
        TypeError: it is neither None nor a mapping with an id, which is `id`, else `sub`, else the name.
    """
    if result is None or isinstance(result, User):
        return result
    given = f"a {type(result).__name__}"
    if isinstance(result, Mapping):
        claim = next((each for each in identities if each in result), None)
        if claim is not None and is_identity(result[claim]):
            return User(result[claim], result)
        given = f"{given} without an id" if claim is None else f"{given} whose {claim} is not text, or empty"
    raise TypeError(f'auth: verify gave {given}; it gives a mapping such as {{"id": "7", "name": "Ann"}}, or None')


def takes_request(verify: Callable[..., Any]) -> bool:
    """Check whether a verify function takes the request: it has two required arguments, or names the second so.

    Raises:
        OptionsError: it can't be called with one or two arguments.
    """
    try:
        signature = inspect.signature(verify)
    except ValueError:  # some builtins tell nothing
        return False
    parameters = [
        each
        for each in signature.parameters.values()
        if each.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    wants = len(parameters) > 1 and (
        parameters[1].default is inspect.Parameter.empty or parameters[1].name in ("request", "req")
    )
    try:
        signature.bind(*(("token", "request") if wants else ("token",)))
    except TypeError:
        raise errors.OptionsError(
            "extension 'auth'",
            "was given a verify that can't be called",
            f"it takes {signature}",
            "Write it as def verify(token) or def verify(token, request)",
        ) from None
    return wants
