"""What figures stand on: the interpreter and how it was built, the machine's load, and what neighbours leave of the cache."""

from __future__ import annotations

import os
import platform
import resource
import sysconfig
import time
from pathlib import Path

STEPS, WALKS = 20_000, 15
SIZE = 1 << 23  # bytes: more than a core has for itself, less than what all cores share


def interpreter() -> dict[str, object]:
    """Return how this interpreter was built, and the nanoseconds of one turn of a plain loop, which shows it.

    `optimised` is None where the build does not say: CPython's own Makefile keeps its flags for profiles, while
    Debian's packages, which are optimised, remove them.
    """
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    flags = " ".join(str(sysconfig.get_config_var(name) or "") for name in ("PY_CORE_CFLAGS", "PY_CORE_LDFLAGS"))
    profiled = "--enable-optimizations" in arguments or "-fprofile-use" in flags
    own_flags = bool(sysconfig.get_config_var("PGO_PROF_USE_FLAG"))
    return {
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "optimised": True if profiled else False if own_flags else None,
        "lto": "--with-lto" in arguments or "-flto" in flags,
        "loop_ns": round(min(loop() for _ in range(WALKS)), 1),
    }


def loop(turns: int = 100_000) -> float:
    """Time a plain loop; gives nanoseconds of CPU a turn."""
    total, begin = 0, time.thread_time_ns()
    for number in range(turns):
        total = (total + number) & 1023
    return (time.thread_time_ns() - begin) / turns


def walk(memory: bytearray) -> float:
    """Read bytes in an order that no processor foresees; gives nanoseconds of CPU a step."""
    mask, place, begin = len(memory) - 1, 0, time.thread_time_ns()
    for _ in range(STEPS):
        place = (place * 1_103_515_245 + 12_344 + memory[place]) & mask  # each address needs the byte before
    return (time.thread_time_ns() - begin) / STEPS


def moment() -> dict[str, float]:
    """Return the load of the last minute, and the median time of a step in memory; takes less than a second."""
    memory = bytearray(b"\1") * SIZE
    times = sorted(walk(memory) for _ in range(WALKS))
    return {"load": round(os.getloadavg()[0], 2), "walk_ns": round(times[len(times) // 2], 1)}


def busy() -> float:
    """Return the seconds that all processors were busy or taken by the host, since the system started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _waiting, *more = map(int, fields[1:9])  # of `guest`, user has a part already
    return (user + nice + system + sum(more)) / os.sysconf("SC_CLK_TCK")


def own() -> float:
    """Return the seconds of CPU of this process and of its children that have ended."""
    each = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in each)


class Elsewhere:
    """What others take of the machine while a question is asked; made before, and asked once its servers have ended."""

    def __init__(self) -> None:
        self.begin = time.monotonic(), busy(), own()

    def share(self) -> float:
        """Return the share of all processors' time that was not this process's and its children's."""
        now = time.monotonic(), busy(), own()
        wall, used, mine = (after - before for after, before in zip(now, self.begin, strict=True))
        return round(max(used - mine, 0) / wall / (os.cpu_count() or 1), 3)
