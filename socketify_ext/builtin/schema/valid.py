"""`Valid`: what a route's models have made of a request."""

from __future__ import annotations

from typing import Any, Generic, NoReturn

from typing_extensions import TypeVar

Body = TypeVar("Body", default=Any)
Query = TypeVar("Query", default=Any)
Params = TypeVar("Params", default=Any)


class Valid(Generic[Body, Query, Params]):
    """The validated parts of a request: those for which its route has a model.

    A handler says the types: `valid: Valid[Order] = req.valid`, or `Valid[Order, Search, ItemPath]`.

    Attributes:
        body: the JSON body, as the model `body=` of the route.
        query: the query, as the model `query=`.
        params: the parameters of the path, as the model `params=`.
    """

    __slots__ = ("body", "params", "query")

    body: Body
    query: Query
    params: Params

    def __init__(self, **parts: Any) -> None:
        for name, value in parts.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> NoReturn:
        if name in self.__slots__:
            raise AttributeError(
                f"req.valid has no {name}: its route has no {name}=Model; add it where the route is added"
            )
        raise AttributeError(f"req.valid has no {name}; it has body, query and params, for which a route has a model")

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in ("body", "query", "params") if hasattr(self, name))
        return f"Valid({', '.join(parts)})"
