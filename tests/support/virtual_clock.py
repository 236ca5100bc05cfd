"""An event loop whose clock jumps to the next timer: `run(coroutine)` takes no real time, and never hangs.

Where nothing is left that could ever happen, it raises `Deadlock`.
"""

import asyncio
import selectors


class Deadlock(BaseException):
    """All tasks wait, and no timer is set."""


class _Jumping(selectors.DefaultSelector):
    elapsed = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise Deadlock
        self.elapsed += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.jumping = _Jumping()
        super().__init__(self.jumping)

    def time(self):
        return self.jumping.elapsed


def run(coroutine):
    """Run a coroutine on a clock of its own, which begins at 0; all that it started has ended then, or is dropped."""
    loop = _Loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False
        loop.close()
