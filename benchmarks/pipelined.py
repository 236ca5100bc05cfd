"""How many requests a second when a client sends eight at a time, as a proxy may?"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from peer_servers import started
from question import FULL, Scale, interleave, main, rows, versus
from serving import SPEEDUPS, Server, app, runnable, server, wrk

SCRIPT = Path(__file__).parent / "pipelined.lua"
OURS = 'ours, 20+20 members, load("json")'
FAST = f"{OURS}{SPEEDUPS}"
SUBJECTS = {"core": app("bare"), OURS: app("our_members_json"), FAST: app("our_members_json", speedups=True)}
PEERS = ("Elysia, Bun", "uWebSockets.js", "Fastify", "Granian", "FastPySGI")


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn."""

    def load(one: Server) -> dict[str, float]:
        with one.running():
            return wrk(one, seconds=scale.seconds, script=SCRIPT)

    subjects, missing = runnable(SUBJECTS)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in subjects.items()}
        peers, left_out = started(stack, only=PEERS)
        servers |= peers
        for one in servers.values():
            load(one)
        taken = interleave({name: lambda one=one: load(one) for name, one in servers.items()}, scale.rounds)
    goals = {"Elysia, Bun": 4}
    targets = [
        versus(f'eight at a time, load("json"){SPEEDUPS}, to {peer}', taken[FAST], taken[peer], ">=", goal)
        for peer, goal in goals.items()
        if {FAST, peer} <= taken.keys()
    ]
    found = rows(taken, "core", cost=False)
    return {"unit": "requests/s", "rows": found, "targets": targets, "left_out": missing | left_out}


if __name__ == "__main__":
    main(measure)
