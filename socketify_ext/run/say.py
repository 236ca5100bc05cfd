"""What a supervisor says at the terminal."""

from __future__ import annotations

import sys

from socketify_ext.sdk.printable import printable


def say(text: str) -> None:
    """Write a message, in which control characters show as escapes."""
    print(printable(text, keep="\n\t"), file=sys.stderr, flush=True)  # noqa: T201 - the purpose
