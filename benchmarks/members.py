"""What does an answer cost with extensions, end to end, beside the bare core and the peers?

A JSON answer through one request and one response method, with 20+20 members registered.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

from peer_servers import commands
from question import FULL, Scale, find, interleave, main, median, rows, say, target
from serving import Server, app, start, wrk

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


def check(one: Server) -> str | None:
    """Return what is wrong with a server's answer, None for the common one."""
    with one.running():
        for headers, wanted in (({"token": "x"}, {"name": "Test"}), ({}, {"name": "Anonymous"})):
            status, kind, body = one.ask("/", headers)
            if status != 200 or not kind.startswith("application/json") or json.loads(body) != wanted:
                return f"it answers {status} {kind!r} {body[:200]!r}"
    return None


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn."""
    peers, left_out = commands()
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name, command in {**SUBJECTS, TWIN: SUBJECTS["core"], **peers}.items():
            try:
                one = start(command)
                stack.callback(one.stop)
                wrong = check(one)
                if wrong is None:
                    with one.running():
                        wrk(one, seconds=scale.seconds)  # JIT compilers and caches warm up
            except RuntimeError as error:
                wrong = str(error).strip().splitlines()[-1]
            if wrong is None:
                servers[name] = one
            elif name in peers:
                left_out[name] = wrong
            else:
                raise RuntimeError(f"{name}: {wrong}")
        say(f"  same answer from {', '.join(servers)}")

        def load(one: Server) -> dict[str, float]:
            with one.running():
                return wrk(one, seconds=scale.seconds)

        taken = interleave({name: lambda one=one: load(one) for name, one in servers.items()}, scale.rounds)
    found = rows(taken, "core", cost=False)
    default = find(found, "ours, 20+20 members")
    fast = find(found, 'ours, 20+20 members, load("json")')
    targets = [
        target(
            "20+20 members, default serializer, to the bare core", default["ratio"], ">=", 1.6, default["cpu_ratio"]
        ),
        target('20+20 members, load("json"), to the bare core', fast["ratio"], ">=", 2.3, fast["cpu_ratio"]),
    ]
    for peer, goal, sign in (("Elysia", 1, ">"), ("Fastify", 2, ">=")):
        name = next((name for name in servers if name.startswith(peer)), None)
        if name:
            mine, theirs = taken[fast["case"]], taken[name]
            ratio = median([a["value"] / b["value"] for a, b in zip(mine, theirs, strict=True)])
            cpu = median([a["cpu"] / b["cpu"] for a, b in zip(mine, theirs, strict=True)])
            targets.append(target(f'20+20 members, load("json"), to {name}', ratio, sign, goal, cpu))
    return {"unit": "requests/s", "rows": found, "targets": targets, "left_out": left_out}


if __name__ == "__main__":
    main(measure)
