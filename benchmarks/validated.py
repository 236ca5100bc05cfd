"""What does a POST cost whose body a route validates, beside one that only parses it, and beside FastAPI under uvicorn?

The same body, the same model with a list and another model in it, the same answer.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from peer_servers import commands
from question import FULL, Scale, interleave, main, median, rows, target
from serving import Server, app, start, wrk

SCRIPT = Path(__file__).parent / "post.lua"
PLAIN, VALIDATED, PEER = "plain POST", "validated POST", "FastAPI, uvicorn"


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each in turn."""
    peers, left_out = commands("validated")

    def load(one: Server, path: str) -> dict[str, float]:
        with one.running():
            return wrk(one, path, seconds=scale.seconds, script=SCRIPT)

    with ExitStack() as stack:
        ours = start(app("validated"))
        stack.callback(ours.stop)
        cases = {PLAIN: lambda: load(ours, "/plain"), VALIDATED: lambda: load(ours, "/validated")}
        for name, command in peers.items():
            one = start(command)
            stack.callback(one.stop)
            cases[name] = lambda one=one: load(one, "/validated")
        taken = interleave(cases, scale.rounds)

    def ratio(other: str) -> float:
        return median(
            [mine["cpu"] / theirs["cpu"] for mine, theirs in zip(taken[VALIDATED], taken[other], strict=True)]
        )

    targets = [target("a validated POST: CPU of a request, to a plain one", ratio(PLAIN), "<=", 1.3)]
    if PEER in taken:
        targets.append(target("a validated POST: CPU of a request, to FastAPI", ratio(PEER), "<=", 0.25))
    return {"unit": "requests/s", "rows": rows(taken, PLAIN, cost=False), "targets": targets, "left_out": left_out}


if __name__ == "__main__":
    main(measure)
