"""The native loop: one for each thread, which all apps of the thread share and none of them frees.

uWebSockets binds to the first loop that a thread makes, and goes on using it. The core makes one for each app: the
sockets of a second app were never served, and freeing the first app's loop left the others in freed memory.
"""

from __future__ import annotations

import threading
from typing import Any

from socketify.uv import UVLoop

_of_thread = threading.local()


class SharedLoop(UVLoop):  # type: ignore[misc]  # the core has no types
    """A native loop that lives as long as the process."""

    def dispose(self) -> None:
        """Do nothing: others may use the loop, and uWebSockets does."""

    def __del__(self) -> None:
        """Do nothing, as `dispose`."""


def share_native_loop(loop: Any) -> None:
    """Replace the native loop that the core has made for a `Loop` with the one of this thread."""
    own = loop.uv_loop
    shared: Any = getattr(_of_thread, "loop", None)
    if shared is None:
        own.__class__ = SharedLoop
        _of_thread.loop = own
    elif shared is not own:
        loop.uv_loop = shared
        own.dispose()
