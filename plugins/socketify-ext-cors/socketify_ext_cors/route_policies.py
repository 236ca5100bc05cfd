"""The policies of one path, by the method of its routes."""

from __future__ import annotations

from .policy import Policy


class RoutePolicies:
    """Choose the policy for a preflight.

    Args:
        policy: of methods that have none of their own.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._by_method: dict[str, Policy | None] = {}
        self.vary = policy.vary

    def set(self, method: str, policy: Policy | None) -> None:
        """Set the policy of a method, "ANY" for those without one; None lets nobody in."""
        self._by_method[method] = policy

    def of(self, method: str) -> Policy | None:
        """Return the policy of a method that a preflight asks for."""
        for name in (method, "GET" if method == "HEAD" else method, "ANY"):
            if name in self._by_method:
                return self._by_method[name]
        return self._policy
