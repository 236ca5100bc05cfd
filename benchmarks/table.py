"""Write RESULTS.md, all figures as tables, from results.json."""

from __future__ import annotations

import ast

from figures import HERE, Record, question_table, read, taken, targets_table, versions_table
from standing import conditions, interpreters

QUESTIONS = {
    "dispatch": "to the core: cost, less is better",
    "members": "to the core: speed, more is better; the core measured twice shows what the noise is",
    "pipelined": "to the core: speed, more is better",
    "light": "a share and times, less is better",
    "half_load": "times, less is better; the more requests a second, the more work it is",
    "workers": "to one worker: speed, more is better",
    "ladder": "to the core: speed of the whole request, more is better",
    "calls": "to the core: speed of the call, more is better; native: the same with the core's native functions alone",
    "suspending": "to the core: speed, more is better",
    "validated": "to the plain POST: speed, more is better; goals compare CPU time of a request",
    "resting": "time to plain asyncio's, less is better",
    "files": "to Starlette: speed, more is better; goals compare CPU time of a request",
    "websocket": "to the core: speed, more is better",
    "msgpack_codec": "to the bare library: speed, more is better",
    "backplane": "to the client library by itself: speed, more is better; time, less is better; workers to two of them",
    "memory": "counted, not timed",
    "startup": "to the core: time, less is better; targets compare CPU time",
    "growth": "ratio of ours to the core at the same point: cost of a dispatch, speed of a request",
}


def purpose(question: str) -> str:
    """Return the first paragraph of a benchmark's docstring."""
    text = ast.get_docstring(ast.parse((HERE / f"{question}.py").read_text())) or ""
    return " ".join(text.split())


def render(results: Record) -> str:
    """Write the whole file."""
    parts = [
        "# Results",
        (
            "Written by `benchmarks/table.py` from `results.json`; `make bench` measures anew. "
            "What the figures mean is in [docs/performance.md](../docs/performance.md)."
        ),
        taken(results),
        "## Goals",
        targets_table(results),
    ]
    for question, reading in QUESTIONS.items():
        parts += [f"## {question}", f"{purpose(question)} ({reading}.)", question_table(results, question)]
    parts += ["## Conditions", interpreters(results), conditions(results)]
    parts += ["## Versions", versions_table(results)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    (HERE / "RESULTS.md").write_text(render(read()))
