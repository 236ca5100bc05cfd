"""What puts the headers on answers, and makes their nonces."""

from __future__ import annotations

import secrets
from typing import Any, Final

from socketify_ext import PrivateProperty

from .policy import Policy

_LATE: Final = ""  # in place of the nonce of an answer in parts whose head has gone without one


class Nonces:
    """The nonces of requests: made when they are asked for."""

    def __init__(self) -> None:
        self._made: PrivateProperty[str | None] = PrivateProperty("csp_nonce", None)

    def make(self, request: Any) -> str:
        """Return a new nonce, which the answer to the request will name.

        Raises:
            RuntimeError: the head of the answer has gone.
        """
        if self._made.get(request) is _LATE:
            raise RuntimeError(
                "req.csp_nonce was read after the head of the answer had gone without it: "
                "read it before the first part of the answer"
            )
        nonce = secrets.token_urlsafe(16)
        self._made.set(request, nonce)
        return nonce

    def end(self, request: Any, *, is_whole: bool) -> str | None:
        """Return the nonce for the head that goes now, None without one; behind the head of a stream there is none."""
        nonce = self._made.get(request)
        if nonce is None and not is_whole:
            self._made.set(request, _LATE)
        return nonce or None


class Sender:
    """A hook that puts the headers of a policy on an answer; those that the handler has written stay.

    Args:
        policy: of some routes.
        nonces: of all requests.
    """

    def __init__(self, policy: Policy, nonces: Nonces) -> None:
        self._policy = policy
        self._nonces = nonces

    def __call__(self, res: Any, req: Any) -> None:
        """Write the headers."""
        policy, status = self._policy, res.status
        if status == 101:  # what follows are messages
            return
        for name, value in policy.fixed:
            if not res.has_header(name):
                res.write_header(name, value)
        nonce = self._nonces.end(req, is_whole=res.content is not None) if policy.uses_nonce else None
        # A cache puts the headers of a 304 in place of those that it has: the page there has another nonce.
        if (status == 304 and policy.uses_nonce) or res.has_header(policy.csp_name):
            return
        csp = policy.csp(nonce)
        if csp is not None:
            res.write_header(policy.csp_name, csp)
        if nonce is not None and not res.has_header("Cache-Control"):
            res.write_header("Cache-Control", "private")  # a nonce that others can read protects nobody
