"""What does a POST cost whose body a route validates, beside one that only parses it, and beside FastAPI under uvicorn?

The same body, the same model with a list and another model in it, the same answer.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from peer_servers import commands
from question import FULL, Scale, cost, interleave, main, rows
from serving import SPEEDUPS, Server, app, runnable, server, wrk

SCRIPT = Path(__file__).parent / "post.lua"
PLAIN, VALIDATED, PEER = "plain POST", "validated POST", "FastAPI, uvicorn"
SUBJECTS = {"ours": app("validated"), f"ours{SPEEDUPS}": app("validated", speedups=True)}
CASES = {
    PLAIN: ("ours", "/plain"),
    VALIDATED: ("ours", "/validated"),
    f"{PLAIN}{SPEEDUPS}": (f"ours{SPEEDUPS}", "/plain"),
    f"{VALIDATED}{SPEEDUPS}": (f"ours{SPEEDUPS}", "/validated"),
}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each in turn."""
    peers, left_out = commands("validated")
    subjects, _ = runnable(SUBJECTS)
    wanted, missing = runnable(CASES)

    def load(one: Server, path: str) -> dict[str, float]:
        with one.running():
            return wrk(one, path, seconds=scale.seconds, script=SCRIPT)

    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in {**subjects, **peers}.items()}
        wanted |= {name: (name, "/validated") for name in peers}
        cases = {name: lambda one=servers[which], path=path: load(one, path) for name, (which, path) in wanted.items()}
        taken = interleave(cases, scale.rounds)

    targets = [cost("a validated POST: CPU of a request, to a plain one", taken[VALIDATED], taken[PLAIN], 1.3)]
    for more in ("", SPEEDUPS):
        if {PEER, VALIDATED + more} <= taken.keys():
            what = f"a validated POST{more}: CPU of a request, to FastAPI"
            targets.append(cost(what, taken[VALIDATED + more], taken[PEER], 0.25))
    found = rows(taken, PLAIN, cost=False)
    return {"unit": "requests/s", "rows": found, "targets": targets, "left_out": missing | left_out}


if __name__ == "__main__":
    main(measure)
