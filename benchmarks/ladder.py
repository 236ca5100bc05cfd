"""Where does the time of one request go? The same request with one step of work more each time, end to end."""

from __future__ import annotations

from contextlib import ExitStack

from question import FULL, Scale, interleave, main, rows
from serving import SPEEDUPS, Server, app, runnable, server, wrk

STEPS = {
    "a native callback that sends a constant": app("callback_alone"),
    "ours: a handler that answers bytes": app("constant_bytes", which="ours"),
    "ours: and reads a header": app("header_and_bytes", which="ours"),
    "ours: and answers JSON": app("header_and_json", which="ours"),
    "ours: through 20+20 members": app("our_members"),
    'ours: with load("json")': app("our_members_json"),
    f"ours: a handler that answers bytes{SPEEDUPS}": app("constant_bytes", speedups=True, which="ours"),
    f'ours: with load("json"){SPEEDUPS}': app("our_members_json", speedups=True),
    "core: a handler that answers bytes": app("constant_bytes", which="core"),
    "core: and reads a header": app("header_and_bytes", which="core"),
    "core: and answers JSON": app("header_and_json", which="core"),
}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each step's server in turn."""

    def load(one: Server) -> dict[str, float]:
        with one.running():
            return wrk(one, seconds=1)

    steps, left_out = runnable(STEPS)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in steps.items()}
        for one in servers.values():
            load(one)
        taken = interleave({name: lambda one=one: load(one) for name, one in servers.items()}, scale.rounds)
    found = rows(taken, "core: and answers JSON", cost=False)
    return {"unit": "requests/s", "rows": found, "targets": [], "left_out": left_out}


if __name__ == "__main__":
    main(measure)
