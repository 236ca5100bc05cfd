"""What does an answer cost with extensions, end to end, beside the bare core and the peers?

A JSON answer through one request and one response method, with 20+20 members registered.
"""

from __future__ import annotations

from contextlib import ExitStack

from peer_servers import started, wrong_answer
from question import FULL, Scale, cost, find, interleave, main, rows, saturated, say, target, versus
from serving import SPEEDUPS, Server, app, runnable, server, wrk

OURS, FAST = "ours, 20+20 members", 'ours, 20+20 members, load("json")'
SUBJECTS = {
    "core": app("bare"),
    "core, msgspec": app("core_msgspec"),
    "core, 20+20 members": app("core_members"),
    "core, 20+20 members, pool": app("core_pool"),
    OURS: app("our_members"),
    FAST: app("our_members_json"),
    f"{OURS}{SPEEDUPS}": app("our_members", speedups=True),
    f"{FAST}{SPEEDUPS}": app("our_members_json", speedups=True),
}
# The bare core measured twice: what two equal servers differ by is what a figure here may be off by.
TWIN = "core, again"


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn."""
    subjects, missing = runnable(SUBJECTS)
    with ExitStack() as stack:
        servers = {}
        for name, command in {**subjects, TWIN: subjects["core"]}.items():
            servers[name] = stack.enter_context(server(command))
            wrong = wrong_answer(servers[name])
            if wrong:
                raise RuntimeError(f"{name}: {wrong}")
        peers, left_out = started(stack)
        servers |= peers
        say(f"  same answer from {', '.join(servers)}")

        def load(one: Server) -> dict[str, float]:
            with one.running():
                return wrk(one, seconds=scale.seconds)

        for one in servers.values():
            load(one)  # JIT compilers and caches warm up
        taken = interleave({name: lambda one=one: load(one) for name, one in servers.items()}, scale.rounds)
    found = rows(taken, "core", cost=False)
    default, fast = find(found, OURS), find(found, FAST)
    core = find(found, "core")
    targets = [
        target(what, row["ratio"], ">=", goal, row["cpu_ratio"], busy=saturated(row, core))
        for what, row, goal in (
            ("20+20 members, default serializer, to the bare core", default, 1.6),
            ('20+20 members, load("json"), to the bare core', fast, 2.3),
        )
    ]
    if "Fastify" in peers:
        targets.append(versus('20+20 members, load("json"), to Fastify', taken[FAST], taken["Fastify"], ">=", 2))
    for peer, goal in (("Elysia, Bun", 0.9), ("uWebSockets.js", 1)):
        if peer in peers and FAST + SPEEDUPS in taken:
            what, mine, theirs = f'20+20 members, load("json"){SPEEDUPS}', taken[FAST + SPEEDUPS], taken[peer]
            targets.append(versus(f"{what}, to {peer}", mine, theirs, ">", 1))
            targets.append(cost(f"{what}: CPU of a request, to {peer}", mine, theirs, goal))
    return {"unit": "requests/s", "rows": found, "targets": targets, "left_out": missing | left_out}


if __name__ == "__main__":
    main(measure)
