"""Content negotiation: the offer that a client's `Accept` likes best (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

# Elements of a list; a quoted text may hold commas, and one that does not end takes the rest, so that none is read twice.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z))+', re.DOTALL)
_RANGE: Final = re.compile(r"\s*([!#$%&'*+\-.^_`|~\w]+)/([!#$%&'*+\-.^_`|~\w]+)\s*(?:;|\Z)", re.ASCII)
_QUALITY: Final = re.compile(r";\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|\Z)", re.IGNORECASE)
_ANY_QUALITY: Final = re.compile(r";\s*q\s*=", re.IGNORECASE)


def choose(accept: str | None, offers: Sequence[str]) -> str | None:
    """Choose the offer with the highest quality, the earlier one of equals; None where none is acceptable.

    The most specific range that matches an offer decides. Parameters other than `q` are ignored, and so is an
    element that is malformed.

    Args:
        accept: the header's value; None or empty accepts everything.
        offers: media types in lower case, the preferred one first.
    """
    if accept is None or not accept.strip():
        return offers[0]
    ranges = dict(media_ranges(accept))
    best, chosen = 0.0, None
    for offer in offers:
        kind = offer.partition("/")[0]
        quality = next((ranges[key] for key in (offer, f"{kind}/*", "*/*") if key in ranges), 0.0)
        if quality > best:
            best, chosen = quality, offer
    return chosen


def media_ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield each media range in lower case with its quality, 0 to 1."""
    for element in _ELEMENT.findall(accept):
        found = _RANGE.match(element)
        if found is None:
            continue
        quality = _QUALITY.search(element)
        if quality is None and _ANY_QUALITY.search(element):
            continue
        yield f"{found[1]}/{found[2]}".lower(), 1.0 if quality is None else float(quality[1])
