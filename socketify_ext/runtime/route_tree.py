"""The routes of an app by their path, tried in the order of the core's router."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .routes import Route


class _Node:
    """The patterns that begin with the same segments."""

    __slots__ = ("children", "parameter", "rest", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: list[Route] = []  # whose pattern ends here
        self.rest: list[Route] = []  # whose pattern ends in * here

    def child(self, segment: str) -> _Node:
        """Return the node below, which is made where there is none."""
        if not segment.startswith(":"):
            return self.children.setdefault(segment, _Node())
        if self.parameter is None:
            self.parameter = _Node()
        return self.parameter

    def matches(self, segments: list[str], depth: int) -> Iterator[list[Route]]:
        """Return the routes of each pattern that matches the segments from `depth` on, the most specific one first."""
        if depth == len(segments):
            if self.routes:
                yield self.routes
            return
        segment = segments[depth]
        child = self.children.get(segment)
        if child is not None:
            yield from child.matches(segments, depth + 1)
        if self.parameter is not None and segment:
            yield from self.parameter.matches(segments, depth + 1)
        if self.rest:
            yield self.rest


class RouteTree:
    """Find the routes of a path, of all methods; each node is visited once at most, whatever the path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            *segments, last = route.pattern[1:].split("/")
            for segment in segments:
                node = node.child(segment)
            if last == "*":
                node.rest.append(route)
            else:
                node.child(last).routes.append(route)

    def matches(self, path: str) -> Iterator[list[Route]]:
        """Return the routes of each pattern that matches a path, the most specific one first.

        Args:
            path: as it was sent, without the query.
        """
        return self._root.matches(path[1:].split("/"), 0)


def takers(found: Iterable[Route], method: str) -> Iterator[Route]:
    """Yield the routes of one pattern that take a method, in the order in which the core tries them.

    A WebSocket's comes first, then those of the method, then those of all methods.
    """
    kinds = ("WS", method, "ANY") if method == "GET" else (method, "ANY")
    for kind in kinds:
        yield from (route for route in found if route.info.method == kind)
