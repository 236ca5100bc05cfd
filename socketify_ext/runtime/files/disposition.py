"""Content-Disposition: the name under which a file is saved (RFC 6266, with the encoding of RFC 8187)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

_LONGEST: Final = 200  # characters
# What is no part of a name: separators, control characters, and those that turn its letters around.
_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNQUOTABLE: Final = re.compile(r"[^ !#$&-\[\]-~]")  # clients differ on "%" and on escapes
_PLAIN: Final = "!#$&+-.^_`|~"


def attachment(name: str) -> str:
    """Return the value that asks a client to save a file.

    Args:
        name: of the file, from anywhere: what a file system could take for more than a name becomes "_", and a long
            one is cut before its suffix.
    """
    name = _UNSAFE.sub("_", name)
    stem, dot, suffix = name.rpartition(".")
    if len(name) > _LONGEST:
        name = stem[: max(0, _LONGEST - len(suffix))] + dot + suffix if stem and len(suffix) < 20 else name[:_LONGEST]
    plain = _UNQUOTABLE.sub("_", name)
    value = f'attachment; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe=_PLAIN)}"
