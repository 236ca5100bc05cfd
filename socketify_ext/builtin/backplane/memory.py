"""`memory://`: nothing beyond this process, whose own table of topics does all the work."""

from __future__ import annotations


class Memory:
    """A backplane of one process; counts what is published."""

    name = "memory"
    connected = True
    received = dropped = outages = queued = 0

    def __init__(self) -> None:
        self.published = 0

    def publish(self, *_: object) -> None:
        """Count a publication."""
        self.published += 1

    def subscribe(self, _: bytes) -> None:
        """Do nothing: this process has all listeners."""

    def unsubscribe(self, _: bytes) -> None:
        """Do nothing: this process has all listeners."""

    async def flush(self, timeout: float | None = None) -> None:
        """Return at once: nothing waits here."""
