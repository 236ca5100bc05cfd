"""`User`: an immutable mapping, since a token's user is shared by all requests that carry it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

# Where scopes stand: RFC 8693 4.2, and what some issuers and token lists use instead.
_SCOPE_CLAIMS: Final = ("scope", "scp", "scopes")


class InvalidTokenError(Exception):
    """Report why a token is rejected, in words that may go to its sender: no part of the token is among them."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FrozenDict(dict[str, Any]):
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

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def freeze(value: Any) -> Any:
    """Return an immutable copy of a dict, list, tuple or set; other values are returned as they are."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, dict):
        return FrozenDict(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(freeze, value))
    return frozenset(value) if isinstance(value, set) else value


class User(FrozenDict):
    """The user of a request: the claims with `name`, as one immutable mapping.

    Args:
        id: the identity, a text that is unique to this user.
        claims: what is known of the user.
        name: for show; by default the claim `name`, else the id.
        is_authenticated: False for the anonymous user, who alone has no id.

    Attributes:
        id: tells this user apart from all others; use it, and not the name, as a key.
        claims: what the token, or the app's own verify, says of the user.
        is_authenticated: False for the anonymous user.

    Raises:
        ValueError: the id is empty, or UTF-8 can't encode it.
    """

    __slots__ = ("claims", "id", "is_authenticated")

    id: str
    claims: FrozenDict
    is_authenticated: bool

    def __init__(
        self,
        id: str,
        claims: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        is_authenticated: bool = True,
    ) -> None:
        if is_authenticated and not is_identity(id):
            raise ValueError("the id of a user is a text that is not empty")
        known = FrozenDict(claims or {})
        shown = name or name_in(known, ("name",)) or id
        super().__init__({"name": shown} | known | {"name": shown})
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "claims", known)
        object.__setattr__(self, "is_authenticated", is_authenticated)

    @property
    def name(self) -> str:
        """Return the user's name for show, which others may have too; "Anonymous" where nobody is signed in."""
        name: str = self["name"]
        return name

    @property
    def scopes(self) -> frozenset[str]:
        """Return what the token allows, from its claim `scope` (RFC 8693, 4.2), `scp` or `scopes`, a text or a list."""
        for claim in _SCOPE_CLAIMS:
            if claim in self.claims:
                return frozenset(scope_names(self.claims[claim]))
        return frozenset()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, User) and (self.id, self.is_authenticated) != (other.id, other.is_authenticated):
            return False
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment] # as every dict

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse()

    def __delattr__(self, name: str) -> None:
        self._refuse()

    def __repr__(self) -> str:
        # Claims don't belong in a log.
        return f"User({self.id!r}, name={self.name!r}, is_authenticated={self.is_authenticated})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.id, dict(self.claims), self.name, self.is_authenticated)


def _restore(id: str, claims: dict[str, Any], name: str, is_authenticated: bool) -> User:
    return User(id, claims, name=name, is_authenticated=is_authenticated)


def is_identity(value: object) -> bool:
    """Check that a value can be the id of a user: a text that is not empty and that UTF-8 can carry."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return False
    return True


def name_in(claims: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of the claims `names` that is a text, None where none is."""
    for each in names:
        name = claims.get(each)
        if isinstance(name, str) and name:
            return name
    return None


ANONYMOUS: Final = User("", name="Anonymous", is_authenticated=False)


def scope_names(scopes: Any) -> tuple[str, ...]:
    """Return the scopes in a text, separated by spaces, or in several texts; none for anything else."""
    if isinstance(scopes, str):
        return tuple(scopes.split())
    if isinstance(scopes, Iterable) and not isinstance(scopes, (bytes, Mapping)):
        return tuple(scope for scope in scopes if isinstance(scope, str))
    return ()


def required_scopes(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Return the scopes that an app requires, from a text, separated by spaces, or several texts.

    Raises:
        TypeError: they are anything else, so that a typing error lets nobody in.
    """
    if isinstance(scopes, str):
        return tuple(scopes.split())
    wanted = tuple(scopes)
    if isinstance(scopes, Mapping) or not all(isinstance(scope, str) for scope in wanted):
        raise TypeError(f"auth: scopes are a text or a list of texts, not {scopes!r}")
    return wanted
