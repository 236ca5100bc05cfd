"""The user: a mapping that nobody can change, since a token's user is shared by all requests that carry it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

# Where scopes stand: RFC 8693 4.2, and what some issuers and token lists use instead.
_SCOPE_CLAIMS: Final = ("scope", "scp", "scopes")


class Frozen(dict[str, Any]):
    """A mapping that can't be changed, with what it holds: lists in it become tuples, sets frozensets.

    It is a dict, so that every serializer takes it as it is.
    """

    __slots__ = ()

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({key: freeze(value) for key, value in values.items()})

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can't be changed; dict(it) gives a copy that can")

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __copy__(self) -> Frozen:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Frozen:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def freeze(value: Any) -> Any:
    """Give what stands for `value` and can't be changed; what is no dict, list, tuple or set stays as it is."""
    if isinstance(value, Frozen):
        return value
    if isinstance(value, dict):
        return Frozen(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(freeze, value))
    return frozenset(value) if isinstance(value, set) else value


class User(Frozen):
    """Who is asking: the claims about a user with `name`, as one frozen mapping.

    Attributes:
        claims: what the token, or the app's own verify, says of the user.
        is_authenticated: False for the one who has shown no valid token.
    """

    __slots__ = ("claims", "is_authenticated")

    claims: Frozen
    is_authenticated: bool

    def __init__(self, name: str, claims: Mapping[str, Any] | None = None, *, is_authenticated: bool = True) -> None:
        known = Frozen(claims or {})
        super().__init__({"name": name} | known | {"name": name})
        object.__setattr__(self, "claims", known)
        object.__setattr__(self, "is_authenticated", is_authenticated)

    @property
    def name(self) -> str:
        """Give the user's name, "Anonymous" where nobody is signed in."""
        name: str = self["name"]
        return name

    @property
    def scopes(self) -> frozenset[str]:
        """Give what the token allows, from its claim `scope` (RFC 8693, 4.2), `scp` or `scopes`, a text or a list."""
        for claim in _SCOPE_CLAIMS:
            if claim in self.claims:
                return frozenset(scope_names(self.claims[claim]))
        return frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse()

    def __delattr__(self, name: str) -> None:
        self._refuse()

    def __repr__(self) -> str:
        return f"User({self.name!r}, is_authenticated={self.is_authenticated})"  # claims are no matter for a log

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, dict(self.claims), self.is_authenticated)


def _restore(name: str, claims: dict[str, Any], is_authenticated: bool) -> User:
    return User(name, claims, is_authenticated=is_authenticated)


ANONYMOUS: Final = User("Anonymous", is_authenticated=False)


def scope_names(scopes: Any) -> tuple[str, ...]:
    """Give the scopes of a text with spaces between them, or of several texts; none of anything else."""
    if isinstance(scopes, str):
        return tuple(scopes.split())
    if isinstance(scopes, Iterable) and not isinstance(scopes, (bytes, Mapping)):
        return tuple(scope for scope in scopes if isinstance(scope, str))
    return ()


def demanded_scopes(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Give the scopes that an app asks for, a text with spaces between them or several texts.

    Raises:
        TypeError: they are anything else; nobody is let in by a slip.
    """
    if isinstance(scopes, str):
        return tuple(scopes.split())
    wanted = tuple(scopes)
    if isinstance(scopes, Mapping) or not all(isinstance(scope, str) for scope in wanted):
        raise TypeError(f"auth: scopes are a text or a list of texts, not {scopes!r}")
    return wanted


def name_in(claims: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Give the first of the claims `names` that is a text, None where none is."""
    for each in names:
        name = claims.get(each)
        if isinstance(name, str) and name:
            return name
    return None
