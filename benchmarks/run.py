"""Run the benchmarks: build what they need, run each question for each interpreter, again and again, write the figures.

    python benchmarks/run.py                      all, with this interpreter, three runs
    python benchmarks/run.py --quick              a short look in one run, nothing to publish
    python benchmarks/run.py --runs 5             more runs
    python benchmarks/run.py --only members       one question; --only is repeatable
    python benchmarks/run.py --python PATH        another interpreter; repeatable, the first is the default one

The figures go to `results.json`, from which RESULTS.md, the plots and docs/performance.md are written.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import building
import peer_servers
import runs
from question import say
from serving import SPEEDUPS

HERE = Path(__file__).parent
QUESTIONS = (
    "dispatch",
    "members",
    "pipelined",
    "light",
    "half_load",
    "workers",
    "ladder",
    "calls",
    "suspending",
    "validated",
    "resting",
    "files",
    "websocket",
    "msgpack_codec",
    "backplane",
    "memory",
    "startup",
    "growth",
)
# With the default interpreter only.
ONCE = (
    "pipelined",
    "light",
    "half_load",
    "workers",
    "ladder",
    "growth",
    "backplane",
    "resting",
    "files",
    "validated",
)
# Slow, and mostly waiting, counted, drawn as a curve, or started many times anyway: in the first run only.
FIRST = ("resting", "files", "msgpack_codec", "backplane", "memory", "startup", "growth")
LIMIT = 600  # seconds that one question may take in a run


def processor() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def machine() -> dict[str, object]:
    """Describe where the figures are taken."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load": round(os.getloadavg()[0], 2),
    }


def ask(question: str, python: Path, *, quick: bool) -> dict[str, object] | None:
    """Run one question in an environment; None where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.json"
        command = [str(python), str(HERE / f"{question}.py"), "--json", str(record), *(["--quick"] if quick else [])]
        process = subprocess.Popen(command)
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            say(f"{question} took more than {LIMIT} s")
            code = 1
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)
        return json.loads(record.read_text()) if code == 0 else None


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=QUESTIONS, help="only this question; repeatable")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--runs", type=int, help="how often all is measured; 3, and 1 with --quick")
    parser.add_argument("--python", action="append", help="an interpreter; repeatable")
    parser.add_argument("--results", type=Path, default=HERE / "results.json", help="where the figures go")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        subjects, left_out = building.build(arguments.python or [sys.executable])
    except RuntimeError as error:
        say(str(error))
        return 1
    whole = not arguments.only
    kept = {} if whole or not arguments.results.exists() else json.loads(arguments.results.read_text())
    results = {
        "taken": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "quick": kept.get("quick", []),  # questions that had a short look only
        "machine": machine(),
        "pythons": kept.get("pythons", {}),
    }
    begin = time.monotonic()
    for number, python in subjects.items():
        results["pythons"].setdefault(number, {"questions": {}}).update(describe(python, left_out[number]))
    failed = []
    taken: dict[tuple[str, str], list[runs.Record]] = {}
    count = arguments.runs or (1 if arguments.quick else 3)
    for run in range(count):
        for number, question in asked(results, list(subjects), arguments.only or QUESTIONS, again=run > 0):
            say(f"{question}, Python {number}, run {run + 1} of {count}")
            record = ask(question, subjects[number], quick=arguments.quick)
            if record is None:
                failed.append(f"{question} (Python {number}, run {run + 1})")
                continue
            explain(record, left_out[number])
            taken.setdefault((number, question), []).append(record)
            results["pythons"][number]["questions"][question] = runs.merge(taken[number, question])
            looked_at = {*results["quick"], question} if arguments.quick else {*results["quick"]} - {question}
            results["quick"] = sorted(looked_at)
        arguments.results.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    say(f"{arguments.results} after {time.monotonic() - begin:.0f} s")
    if arguments.results == HERE / "results.json":
        publish(arguments.python or [sys.executable])
    for name in failed:
        say(f"FAILED: {name}")
    return 1 if failed else 0


def describe(python: Path, left_out: dict[str, str]) -> dict[str, object]:
    """Return the versions of what is measured, how the interpreter was built, and which speedups there are, or why none."""
    script = (
        "import json, conditions, peer_servers, socketify_ext.runtime.compiled as compiled;"
        "print(json.dumps({'versions': peer_servers.versions(), 'interpreter': conditions.interpreter(),"
        "'speedups': compiled.find()[1]}))"
    )
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True, cwd=HERE)
    found = json.loads(done.stdout)
    return found | ({"speedups": f"not built: {left_out['speedups']}"} if "speedups" in left_out else {})


def asked(
    results: runs.Record, numbers: list[str], questions: Sequence[str], *, again: bool
) -> Iterator[tuple[str, str]]:
    """Return the questions of a run, with the version of the interpreter for each."""
    default = next(iter(results["pythons"]))
    for number in numbers:
        for question in questions:
            if (question not in ONCE or number == default) and not (question in FIRST and again):
                yield number, question


def explain(record: runs.Record, left_out: dict[str, str]) -> None:
    """Report in a record why a peer, or the speedups, could not be installed."""
    reasons = {peer_servers.LABELS.get(name, name): why for name, why in left_out.items()}
    for label in record.get("left_out", {}):
        name = "speedups" if label.endswith(SPEEDUPS) else label
        if name in reasons:
            record["left_out"][label] = reasons[name]


def publish(pythons: list[str]) -> None:
    """Write the table, the page, the README's figures and the plots."""
    for script in ("table.py", "page.py", "readme.py"):
        subprocess.run([sys.executable, str(HERE / script)], check=True)
    try:
        python = building.plotter(pythons[0])
    except RuntimeError as error:
        say(f"no plots: matplotlib can't be installed: {error}")
        return
    subprocess.run([str(python), str(HERE / "plots.py")], check=True)


if __name__ == "__main__":
    sys.exit(main())
