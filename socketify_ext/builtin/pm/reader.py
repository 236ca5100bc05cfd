"""The reader of one socket: it takes its user's frames from the inbox, in order, and none twice."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Final

from ... import errors
from .inbox.shared import BrokenInboxError, SharedInbox
from .message import TEXT
from .outage_log import OutageLog, log
from .topics import encoded

PAGE: Final = 100
"""Frames that are read at once."""

BUFFERED: Final = 32 * 1024
"""Bytes that may wait for a client before the next frame waits too."""

PAUSE: Final = (0.02, 0.5)
"""Seconds between two tries, at first and at last."""


class Reader:
    """Send a socket what waits for its user, and from then on what comes, once for each call of `wake`.

    Whatever wakes it carries no message: order and completeness come from the inbox alone.
    """

    def __init__(self, ws: Any, username: str, inbox: SharedInbox, outage: OutageLog) -> None:
        self.ws = ws
        self.mark = uuid.uuid4().hex
        self.caught_up = asyncio.Event()
        self._username = username
        self._inbox = inbox
        self._outage = outage
        self._number = 0
        self._replaying = True
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look for new frames."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        pause = PAUSE[0]
        try:
            while self._again and not self.ws.closed:
                self._again = False
                try:
                    await self._read()
                    pause = PAUSE[0]
                    self._outage.recovered()
                except errors.ConnectionClosedError:
                    return
                except BrokenInboxError as error:  # it concerns this user alone, who gets what comes live no more
                    log.error("extension 'pm' can't read the inbox of %s: %s", encoded(self._username), error)
                    self.caught_up.set()
                except Exception as error:  # whatever the engine's client raises when the engine is away
                    self._outage.failed(error)
                    self._again = True
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, PAUSE[1])
        finally:
            if self.ws.closed:
                self.caught_up.set()

    async def _read(self) -> None:
        while not self.ws.closed:
            page = await self._inbox.read(self._username, self._number, PAGE, unread=self._replaying)
            for row in page.rows:
                if row.frame and row.origin != self.mark:
                    await self._send(row.frame)
                self._number = row.number
            if len(page.rows) < PAGE:
                self._number = max(self._number, page.head)
                self._replaying = False
                self.caught_up.set()
                return

    async def _send(self, frame: str) -> None:
        """Send a frame when the client has taken enough of the earlier ones, so that the core drops none.

        Raises:
            ConnectionClosedError: the client has left.
        """
        pause = PAUSE[0]
        dropped = 2  # the core's SendStatus.DROPPED
        while self.ws.get_buffered_amount() > BUFFERED or self.ws.send(frame, TEXT) == dropped:
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE[1])
