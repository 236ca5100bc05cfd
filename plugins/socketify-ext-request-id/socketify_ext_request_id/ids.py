"""Request ids: made here, or taken from a proxy."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Final

# As proxies and other services make them. Nothing that a log, a shell or a page could take for something else.
_ACCEPTED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,127}", re.ASCII)


def make_id() -> str:
    """Return an id that no other request has."""
    return uuid.uuid4().hex


def accepted_id(sent: Sequence[str]) -> str | None:
    """Return the id that came with a request, None where there is none, or several, or another text than an id.

    Args:
        sent: the headers that carry it.
    """
    return sent[0] if len(sent) == 1 and _ACCEPTED.fullmatch(sent[0]) else None
