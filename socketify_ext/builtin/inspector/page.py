"""The page of the inspector, made on the server: everything that an extension names is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

from .graph import draw

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Extensions</title>
<link rel="stylesheet" href="{path}/inspector.css">
<script type="module" src="{path}/inspector.js"></script>
</head>
<body data-path="{path}">
<header><h1>Extensions</h1>
<label>Filter <input id="filter" type="search" autocomplete="off"></label>
<p id="status" role="status"></p><p>Speedups: {speedups}</p></header>
<nav aria-label="Sections"><a href="#live">Live</a> <a href="#extensions">Extensions</a> <a href="#graph">Graph</a>
<a href="#routes">Routes</a> <a href="#hooks">Hooks</a> <a href="{path}/api">JSON</a></nav>
<main>
<section id="live" aria-labelledby="live-title"><h2 id="live-title">Live</h2>
<p id="offline">Live figures need JavaScript.</p><div id="figures" hidden>
<dl id="totals"></dl>
<div class="wide" tabindex="0" role="region" aria-label="Requests by route">
<table><caption>Requests by route</caption><thead><tr><th scope="col">Route</th><th scope="col">per second</th>
<th scope="col">p50 ms</th><th scope="col">p90 ms</th><th scope="col">p99 ms</th><th scope="col">Status</th></tr></thead>
<tbody id="by-route"></tbody></table></div>
<div class="wide" tabindex="0" role="region" aria-label="Time by function">
<table><caption>Time of the server's thread, by samples</caption><thead><tr><th scope="col">Function</th>
<th scope="col">percent</th></tr></thead><tbody id="by-function"></tbody></table></div></div></section>
<section id="extensions" aria-labelledby="extensions-title"><h2 id="extensions-title">Extensions, in order</h2>
{extensions}</section>
<section id="graph" aria-labelledby="graph-heading"><h2 id="graph-heading">Graph</h2>
<p class="legend"><span class="requires">requires</span> <span class="order">comes before</span>
<span class="overrides">replaces members of</span></p>
<div class="wide" tabindex="0" role="region" aria-label="Graph of the extensions">{graph}</div></section>
<section id="routes" aria-labelledby="routes-title"><h2 id="routes-title">Routes</h2>{routes}</section>
<section id="hooks" aria-labelledby="hooks-title"><h2 id="hooks-title">Hooks, in order</h2>{hooks}</section>
{collisions}
</main>
</body>
</html>
"""


def render(path: str, description: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        path: of the inspector, relative to itself: "./_extensions" is right below any prefix.
        description: of the app.
    """
    scopes = [*_scopes(description)]
    return _PAGE.format(
        path=escape(path),
        speedups=escape(description["speedups"]),
        extensions="".join(_scope(scope) for scope in scopes),
        graph=draw(description),
        routes=_table(
            "All routes",
            ("Method", "Pattern", "Handler", "Added at", "Extension", "Options"),
            (
                (
                    each["method"],
                    each["pattern"],
                    each["handler"],
                    each["location"],
                    each["extension"] or "the app",
                    _pairs(each["options"]),
                )
                for scope in scopes
                for each in scope["routes"]
            ),
        ),
        hooks=_table(
            "All hooks",
            ("Event", "Function", "Extension", "Prefix", "At"),
            (
                (
                    each["event"],
                    ("async " if each["is_async"] else "") + each["function"],
                    each["extension"] or "the app",
                    each["prefix"],
                    each["location"],
                )
                for scope in scopes
                for each in scope["hooks"]
            ),
        ),
        collisions=_collisions(scopes),
    )


def _scopes(scope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield scope
    for each in scope["scopes"]:
        yield from _scopes(each)


def _scope(scope: Mapping[str, Any]) -> str:
    head = f"<h3>Scope {escape(scope['prefix'])}</h3>" if scope["prefix"] else ""
    return head + ("".join(map(_extension, scope["extensions"])) or "<p>No extensions.</p>")


def _extension(each: Mapping[str, Any]) -> str:
    origin = "built-in" if each["distribution"] == "socketify-ext" else each["distribution"] or "of the program"
    version = f" {each['version']}" if each["version"] else ""
    facts = [f"{origin}{version}", each["location"]]
    facts += [f"grade {each['grade']}"] if each["grade"] else []
    deprecated = sum(1 for member in each["members"] if member["deprecated"])
    facts += [f"{deprecated} deprecated"] if deprecated else []
    facts += [f"required by {each['required_by']}"] if each["required_by"] else []
    facts += [f"requires {', '.join(each['requires'])}"] if each["requires"] else []
    members = _table(
        f"Members of {each['name']}",
        ("Member", "Signature", "What it does", "At"),
        (
            (
                f"{member['target']}.{member['name']}",
                ("async " if member["is_async"] else "") + member["signature"],
                f"deprecated: {member['deprecated']}. {member['doc']}" if member["deprecated"] else member["doc"],
                member["location"],
            )
            for member in each["members"]
        ),
    )
    options = _table(
        f"Options of {each['name']}", ("Option", "Value"), ((name, value) for name, value in each["options"].items())
    )
    return (
        f'<details class="filtered" open><summary><strong>{escape(each["name"])}</strong> '
        f"<small>{escape(', '.join(facts))}</small></summary><p>{escape(each['summary'])}</p>{members}{options}</details>"
    )


def _collisions(scopes: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (each["member"], ", ".join(each["providers"]), each["winner"], each["by"])
        for scope in scopes
        for each in scope["collisions"]
    ]
    if not rows:
        return ""
    table = _table("Settled collisions", ("Member", "Providers", "Winner", "By"), rows)
    return f'<section id="collisions" aria-labelledby="collisions-title"><h2 id="collisions-title">Collisions</h2>{table}</section>'


def _table(caption: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = "".join(
        '<tr class="filtered">' + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    if not body:
        return ""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _pairs(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())
