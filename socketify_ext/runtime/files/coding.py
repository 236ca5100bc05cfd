"""Content codings: which one of several a client prefers (RFC 9110, 8.4.1 and 12.5.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

# What compressed files are called, by their coding; the first is taken where a client has no preference.
CODINGS: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
_ELEMENT: Final = re.compile(
    r"([!#$%&'*+\-.^_`|~0-9a-z]+)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?", re.IGNORECASE
)


def preferred(accepted: Iterable[str], offered: Sequence[str]) -> list[str]:
    """Return the codings that a client takes at least as gladly as a file without any, best first.

    Args:
        accepted: the elements of its Accept-Encoding header; one that can't be read is ignored.
        offered: the codings there are.
    """
    weights = _weights(accepted)
    others = weights.get("*", 0.0)
    least = weights.get("identity", others)
    found = {coding: weights.get(coding, others) for coding in offered}
    wanted = [coding for coding, weight in found.items() if weight and weight >= least]
    return sorted(wanted, key=lambda coding: -found[coding])


def _weights(accepted: Iterable[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for element in accepted:
        found = _ELEMENT.fullmatch(element)
        if found is not None:
            name = found[1].lower()
            weights.setdefault("gzip" if name == "x-gzip" else name, float(found[2] or 1))
    return weights
