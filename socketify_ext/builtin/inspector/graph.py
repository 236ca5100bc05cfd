"""The graph of extensions, as SVG: who requires, comes before or replaces whom, a box for each scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

_WIDTH, _HEIGHT = 190, 44  # of a node
_GAP_X, _GAP_Y = 70, 22
_PADDING: Final = 34
_LONGEST: Final = 22  # characters of a label


class Edge(NamedTuple):
    """An arrow from one extension to another."""

    kind: str
    start: str
    end: str


class _Place(NamedTuple):
    x: int
    y: int


def draw(description: Mapping[str, Any]) -> str:
    """Return the graph of an app as an SVG element."""
    parts, top, width = [], 0, 2 * _PADDING + _WIDTH
    places: dict[str, _Place] = {}
    edges: list[Edge] = []
    for scope, above in _scopes(description):
        known = {**above, **{each["name"]: each["name"] for each in scope["extensions"]}}
        edges += _edges(scope, known)
        columns = _columns(scope["extensions"])
        if not columns:
            continue
        rows = max(map(len, columns))
        height = rows * (_HEIGHT + _GAP_Y) + 2 * _PADDING - _GAP_Y
        breadth = len(columns) * (_WIDTH + _GAP_X) + 2 * _PADDING - _GAP_X
        width = max(width, breadth)
        title = scope["prefix"] or "app"
        parts.append(
            f'<rect class="scope" x="1" y="{top + 1}" width="{breadth}" height="{height}" rx="8"/>'
            f'<text class="scope-name" x="12" y="{top + 20}">{escape(title)}</text>'
        )
        for column, names in enumerate(columns):
            for row, name in enumerate(names):
                x, y = _PADDING + column * (_WIDTH + _GAP_X), top + _PADDING + row * (_HEIGHT + _GAP_Y)
                places[name] = _Place(x, y)
                parts.append(_node(name, x, y))
        top += height + _GAP_Y
    drawn = [_arrow(edge, places) for edge in edges if edge.start in places and edge.end in places]
    return (
        f'<svg viewBox="0 0 {width + 2} {max(top, 1)}" width="{width + 2}" height="{max(top, 1)}" role="img" '
        f'aria-labelledby="graph-title"><title id="graph-title">{escape(_told(edges))}</title>{_MARKERS}'
        f"{''.join(parts)}{''.join(drawn)}</svg>"
    )


_MARKERS: Final = (
    "<defs>"
    + "".join(
        f'<marker id="end-{kind}" class="{kind}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L8 4L0 8z"/></marker>'
        for kind in ("requires", "order", "overrides")
    )
    + "</defs>"
)


def _scopes(
    scope: Mapping[str, Any], above: Mapping[str, str] | None = None
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """Yield each scope, and the names of the extensions above it."""
    above = above or {}
    yield scope, above
    below = {**above, **{each["name"]: each["name"] for each in scope["extensions"]}}
    for each in scope["scopes"]:
        yield from _scopes(each, below)


def _edges(scope: Mapping[str, Any], known: Mapping[str, str]) -> Iterator[Edge]:
    for each in scope["extensions"]:
        name = each["name"]
        for required in each["requires"]:
            yield Edge("requires", name, _plain(required))
        for other in each["before"]:
            if other in known:
                yield Edge("order", name, other)
        for other in each["after"]:
            if other in known:
                yield Edge("order", other, name)
        for other in each["overrides"]:
            yield Edge("overrides", name, other)


def _plain(requirement: str) -> str:
    """Return the name in a requirement, as in "auth>=1"."""
    for index, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_.~"):
            return requirement[:index].strip()
    return requirement


def _columns(extensions: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the extensions in columns: each behind those that it requires."""
    depth: dict[str, int] = {}
    for each in extensions:  # in resolved order, so that what is required comes first
        depth[each["name"]] = max((depth.get(_plain(one), -1) + 1 for one in each["requires"]), default=0)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name, column in depth.items():
        columns[column].append(name)
    return columns


def _node(name: str, x: int, y: int) -> str:
    label = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return (
        f'<g class="node"><title>{escape(name)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{x + _WIDTH // 2}" y="{y + _HEIGHT // 2 + 5}">{escape(label)}</text></g>'
    )


def _arrow(edge: Edge, places: Mapping[str, _Place]) -> str:
    start, end = places[edge.start], places[edge.end]
    if end.x < start.x:
        path = f"M{start.x} {start.y + _HEIGHT // 2}L{end.x + _WIDTH} {end.y + _HEIGHT // 2}"
    elif end.x > start.x:
        path = f"M{start.x + _WIDTH} {start.y + _HEIGHT // 2}L{end.x} {end.y + _HEIGHT // 2}"
    else:  # of one column: around it
        side, bend = start.x + _WIDTH, start.x + _WIDTH + _GAP_X // 2
        path = (
            f"M{side} {start.y + _HEIGHT // 2}C{bend} {start.y + _HEIGHT // 2} {bend} {end.y + _HEIGHT // 2} "
            f"{side} {end.y + _HEIGHT // 2}"
        )
    return f'<path class="edge {edge.kind}" d="{path}" marker-end="url(#end-{edge.kind})"/>'


def _told(edges: Sequence[Edge]) -> str:
    """Return the graph in words."""
    words = {"requires": "requires", "order": "comes before", "overrides": "replaces members of"}
    return (
        ". ".join(f"{edge.start} {words[edge.kind]} {edge.end}" for edge in edges) or "No extension needs another one"
    )
