"""Where does the time of one request go? The same request with one step of work more each time, end to end."""

from __future__ import annotations

from contextlib import ExitStack

from question import FULL, Scale, interleave, main, rows
from serving import Server, app, server, wrk

STEPS = {
    "a native callback that sends a constant": app("callback_alone"),
    "ours: a handler that answers bytes": app("constant_bytes", which="ours"),
    "ours: and reads a header": app("header_and_bytes", which="ours"),
    "ours: and answers JSON": app("header_and_json", which="ours"),
    "ours: through 20+20 members": app("our_members"),
    'ours: with load("json")': app("our_members_json"),
    "core: a handler that answers bytes": app("constant_bytes", which="core"),
    "core: and reads a header": app("header_and_bytes", which="core"),
    "core: and answers JSON": app("header_and_json", which="core"),
}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each step's server in turn."""

    def load(one: Server) -> dict[str, float]:
        with one.running():
            return wrk(one, seconds=1)

    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in STEPS.items()}
        for one in servers.values():
            load(one)
        taken = interleave({name: lambda one=one: load(one) for name, one in servers.items()}, scale.rounds)
    return {"unit": "requests/s", "rows": rows(taken, "core: and answers JSON", cost=False), "targets": []}


if __name__ == "__main__":
    main(measure)
