"""How does cost grow with members, extensions, connections and the size of the answer, ours beside the core?"""

from __future__ import annotations

import resource
from contextlib import ExitStack

from dispatcher import dispatcher
from question import FULL, Scale, interleave, main, rows
from serving import Server, app, server, wrk

MEMBERS, EXTENSIONS = (0, 10, 25, 50, 100, 250, 500), (0, 1, 10, 25, 50, 100)
CONNECTIONS, SIZES = (1, 10, 100, 500, 1000, 2500, 5000), (0, 1, 4, 16, 64, 256, 1024)


def in_process(scale: Scale, label: str, points: tuple[int, ...], arguments) -> list[dict[str, object]]:
    """Time dispatch at each point."""
    found = []
    with dispatcher() as route:
        for point in points:
            cases = {which: route(which, 500, **arguments(point)) for which in ("core", "ours")}
            taken = interleave(cases, scale.pick(9, 5), f"{label}: {point}")
            found += rows(taken, "core", cost=True, group=f"{label}, ns a dispatch", x=point)
    return found


def end_to_end(scale: Scale, label: str, points: tuple[int, ...], kind: str, ask) -> list[dict[str, object]]:
    """Time whole requests at each point."""

    def load(one: Server, point: int) -> dict[str, float]:
        with one.running():
            return ask(one, point)

    found = []
    with ExitStack() as stack:
        servers = {which: stack.enter_context(server(app(kind, which=which))) for which in ("core", "ours")}
        for one in servers.values():
            load(one, points[0])
        for point in points:
            cases = {which: lambda one=one, at=point: load(one, at) for which, one in servers.items()}
            taken = interleave(cases, 1, f"{label}: {point}")
            found += rows(taken, "core", cost=False, group=f"{label}, requests/s", x=point)
    return found


def allowed_connections() -> int:
    """Raise the limit of open files, which servers and wrk inherit, and give the connections that it allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(CONNECTIONS) + 200 if hard == resource.RLIM_INFINITY else min(max(CONNECTIONS) + 200, hard)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return wanted - 200


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Walk along all four axes."""
    few = scale.pick(slice(None), slice(None, None, 3))
    most = allowed_connections()
    connections = tuple(point for point in CONNECTIONS if point <= most)
    found = in_process(scale, "members", MEMBERS[few], lambda count: {"members": count})
    found += in_process(
        scale, "extensions of 2+2", EXTENSIONS[few], lambda count: {"members": 2 if count else 0, "extensions": count}
    )
    found += end_to_end(
        scale,
        "connections",
        connections[few],
        "header_and_json",
        lambda one, count: wrk(one, seconds=1 if count < 1000 else 2, connections=count),
    )
    found += end_to_end(
        scale, "KiB of the answer", SIZES[few], "sizes", lambda one, size: wrk(one, f"/{size * 1024}", seconds=1)
    )
    return {"unit": "", "rows": found, "targets": []}


if __name__ == "__main__":
    main(measure)
