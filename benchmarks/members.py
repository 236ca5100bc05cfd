"""What does an answer cost with extensions, end to end, beside the bare core and the peers?

A JSON answer through one request and one response method, with 20+20 members registered.
"""

from __future__ import annotations

from contextlib import ExitStack

from peer_servers import started, wrong_answer
from question import FULL, Scale, cost, find, interleave, main, rows, saturated, say, target, versus
from serving import Server, app, server, wrk

SUBJECTS = {
    "core": app("bare"),
    "core, msgspec": app("core_msgspec"),
    "core, 20+20 members": app("core_members"),
    "core, 20+20 members, pool": app("core_pool"),
    "ours, 20+20 members": app("our_members"),
    'ours, 20+20 members, load("json")': app("our_members_json"),
}
# The bare core measured twice: what two equal servers differ by is what a figure here may be off by.
TWIN = "core, again"


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn."""
    with ExitStack() as stack:
        servers = {}
        for name, command in {**SUBJECTS, TWIN: SUBJECTS["core"]}.items():
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
    default = find(found, "ours, 20+20 members")
    fast = find(found, 'ours, 20+20 members, load("json")')
    core = find(found, "core")
    targets = [
        target(what, row["ratio"], ">=", goal, row["cpu_ratio"], busy=saturated(row, core))
        for what, row, goal in (
            ("20+20 members, default serializer, to the bare core", default, 1.6),
            ('20+20 members, load("json"), to the bare core', fast, 2.3),
        )
    ]
    mine, beside = taken[fast["case"]], {name: samples for name, samples in taken.items() if name in peers}
    for peer, goal, sign in (("Elysia, Bun", 1, ">"), ("uWebSockets.js", 1, ">"), ("Fastify", 2, ">=")):
        if peer in beside:
            targets.append(versus(f'20+20 members, load("json"), to {peer}', mine, beside[peer], sign, goal))
    for peer, goal in (("Elysia, Bun", 0.9), ("uWebSockets.js", 1)):
        if peer in beside:
            targets.append(cost(f'20+20 members, load("json"): CPU of a request, to {peer}', mine, beside[peer], goal))
    return {"unit": "requests/s", "rows": found, "targets": targets, "left_out": left_out}


if __name__ == "__main__":
    main(measure)
