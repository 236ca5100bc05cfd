"""Processes that time dispatches when they are asked: one has the speedups, or does without, from its start on."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from serving import HERE, without_speedups

Timed = Callable[[], dict[str, float]]


@contextlib.contextmanager
def dispatcher(*, speedups: bool = False) -> Iterator[Callable[..., Timed]]:
    """Run such a process; gives a function that makes a route of `native_callbacks.py` there.

    It takes the kind of the route, how many calls a sample shall have, and arguments of that kind, and returns a function that
    takes a sample.

    Raises:
        RuntimeError: the process ended before; it has written why.
    """
    run = [sys.executable, str(HERE / "native_callbacks.py")]
    command, pipe = run if speedups else without_speedups(run), subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:

        def ask(*request: Any) -> Any:
            print(json.dumps(request), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            if not answer:
                raise RuntimeError(f"the process that dispatches ended at {request}")
            return json.loads(answer)

        def route(kind: str, calls: int, **arguments: Any) -> Timed:
            number = ask("make", kind, arguments)
            return lambda: ask("time", number, calls)

        yield route
