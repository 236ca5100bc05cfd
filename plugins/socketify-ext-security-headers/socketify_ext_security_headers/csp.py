"""Content-Security-Policy: directives and their sources, checked for what browsers silently ignore (CSP Level 3)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from pydantic_core import PydanticCustomError

Directives = Mapping[str, "tuple[str, ...] | None"]

NONCE: Final = "'nonce'"
"""Stands in a directive for the nonce of each answer."""

DEFAULT: Final[Directives] = {
    "default-src": ("'self'",),
    "script-src": ("'self'", NONCE),
    "style-src": ("'self'", NONCE),
    "img-src": ("'self'", "data:"),
    "object-src": ("'none'",),
    "base-uri": ("'none'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'self'",),
}

_WITHOUT_SOURCES: Final = ("upgrade-insecure-requests",)
_OF_WORDS: Final = ("sandbox", "report-to", "report-uri", "require-trusted-types-for", "trusted-types")
_TAKE_NONCES: Final = ("default-src", *(f"{kind}-src{part}" for kind in ("script", "style") for part in ("", "-elem")))
_OF_SOURCES: Final = (
    *_TAKE_NONCES,
    "script-src-attr",
    "style-src-attr",
    *(f"{kind}-src" for kind in ("child", "connect", "fenced-frame", "font", "frame", "img", "manifest", "media")),
    "object-src",
    "worker-src",
    "base-uri",
    "form-action",
    "frame-ancestors",
)
_KNOWN: Final = (*_OF_SOURCES, *_OF_WORDS, *_WITHOUT_SOURCES)
_KEYWORDS: Final = (
    "self", "none", "unsafe-inline", "unsafe-eval", "unsafe-hashes", "strict-dynamic", "report-sample",
    "wasm-unsafe-eval", "inline-speculation-rules", "trusted-types-eval",
)  # fmt: skip
_HASH: Final = re.compile(r"'sha(?:256|384|512)-[A-Za-z0-9+/_-]+={0,2}'")
_WORD: Final = re.compile(r"[!-+\--:<-~]+")  # what can be printed in ASCII, without a comma or a semicolon


def rejection(problem: str) -> PydanticCustomError:
    """Return the error for an option that can't work."""
    return PydanticCustomError("security_headers", "{problem}", {"problem": problem})


def check_directives(value: Directives | None) -> Directives | None:
    """Check directives for what a browser would ignore.

    Raises:
        PydanticCustomError: one is not known, or a source is not valid in it.
    """
    for name, sources in (value or {}).items():
        if name not in _KNOWN:
            near = difflib.get_close_matches(name.replace("_", "-"), _KNOWN, 1)
            hint = f"do you mean {near[0]!r}?" if near else f"they are {', '.join(_KNOWN)}"
            raise rejection(f"{name!r} is not a directive of a Content-Security-Policy; {hint}")
        if sources is not None:
            _check_sources(name, sources)
    return value


def _check_sources(name: str, sources: tuple[str, ...]) -> None:
    if name in _WITHOUT_SOURCES and sources:
        raise rejection(f"{name} has no sources; write {{{name!r}: []}}")
    for source in sources:
        if not _WORD.fullmatch(source):
            raise rejection(f"{source!r} in {name} is not one source; give each as an item of its own, in ASCII")
        if name in _OF_SOURCES:
            _check_source(name, source)
    if name in _OF_SOURCES and not sources:
        raise rejection(f"{name} has no sources; write {{{name!r}: [\"'none'\"]}}, or None to leave it out")
    if "'none'" in sources and len(sources) > 1:
        raise rejection(f"'none' in {name} stands alone; browsers ignore it beside other sources")


def _check_source(name: str, source: str) -> None:
    if source.strip("'").lower() in _KEYWORDS and source != f"'{source.strip(chr(39)).lower()}'":
        raise rejection(f"{source!r} in {name} would be a host; write it in quotes, as \"'{source.strip(chr(39))}'\"")
    if source == NONCE and name not in _TAKE_NONCES:
        raise rejection(f"{name} takes no nonce; it belongs to {', '.join(_TAKE_NONCES)}")
    if source.startswith("'nonce-"):
        raise rejection(f'a nonce that is always the same protects from nothing; write "{NONCE}" in {name}')
    if "'" in source and source.strip("'") not in (*_KEYWORDS, "nonce") and not _HASH.fullmatch(source):
        near = difflib.get_close_matches(source.strip("'"), _KEYWORDS, 1)
        hint = f"; do you mean \"'{near[0]}'\"?" if near else ""
        raise rejection(f"{source!r} in {name} is not a source that browsers know{hint}")


def merge(*layers: Directives | None) -> Directives | None:
    """Return the default's directives, each replaced by those of the layers; None where the last layer is None."""
    if layers[-1] is None:
        return None
    merged = dict(DEFAULT)
    for layer in layers:
        merged.update(layer or {})
    return {name: sources for name, sources in merged.items() if sources is not None}
