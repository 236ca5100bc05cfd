"""What does starting cost: the import, `socketify-ext list` with 100 plugins, and 100 extensions on an app?"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from question import FULL, Scale, find, interleave, main, rows, target
from serving import without_speedups

PLUGINS = 100
IMPORTS = {
    "socketify, pydantic, pluggy": "import socketify, pydantic, pluggy",
    "the same, with pydantic.BaseModel": "import socketify, pluggy; from pydantic import BaseModel",
    "socketify_ext": "import socketify_ext",
    "socketify_ext.App": "from socketify_ext import App",
    "socketify_ext.App, extension, load": "from socketify_ext import App, extension, load",
}
REGISTERED = 100
REGISTERING = {"socketify": "socketify.App()", "socketify_ext": "socketify_ext.App()"}
# Five methods and five properties each, of bare functions, which the core takes too.
PROGRAM = """
import time
import socketify, socketify_ext

def make(number):
    def extension(request, response, ws):
        def method(self):
            return number
        for index in range(5):
            method.__name__ = f"method_{{number}}_{{index}}"
            request.method(method)
            request.property(f"property_{{number}}_{{index}}", 0)
    return extension

app = {app}
app.register(make({count}))
extensions = [make(number) for number in range({count})]
w, c = time.perf_counter(), time.process_time()
for extension in extensions:
    app.register(extension)
print(time.perf_counter() - w, time.process_time() - c)
"""


def run(command: list[str], **variables: str) -> dict[str, float]:
    """Run a process to its end; gives its milliseconds and microseconds of CPU."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, env={**environment, **variables}, capture_output=True, check=True)
    taken = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"value": taken * 1e3, "cpu": used * 1e6}


def importing(statement: str) -> dict[str, float]:
    """Time one import in a fresh interpreter, without the interpreter's own start."""
    clock = (
        "import time; w = time.perf_counter(); c = time.process_time()\n"
        f"{statement}\n"
        "print(time.perf_counter() - w, time.process_time() - c)"
    )
    return timed(clock)


def registering(app: str) -> dict[str, float]:
    """Time the registration of many extensions on a new app in a fresh interpreter, models built."""
    return timed(PROGRAM.format(app=app, count=REGISTERED))


def timed(program: str) -> dict[str, float]:
    """Run a program that prints its seconds and its seconds of CPU."""
    command = without_speedups([sys.executable, "-c", program])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall, cpu = map(float, done.stdout.split())
    return {"value": wall * 1e3, "cpu": cpu * 1e6}


def install_plugins(folder: Path) -> None:
    """Write the metadata of many plugins, as installed ones have it."""
    for index in range(PLUGINS):
        name = f"fake_plugin_{index}"
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nSummary: a fake\n")
        info.joinpath("entry_points.txt").write_text(f"[socketify_ext]\nfake_{index} = {name}:extension\n")
        info.joinpath("RECORD").write_text("")
        folder.joinpath(f"{name}.py").write_text("def extension(request, response, ws):\n    pass\n")


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Start fresh processes in turn."""
    rounds = scale.pick(7, 5)
    cases = {name: lambda text=text: importing(text) for name, text in IMPORTS.items()}
    for case in cases.values():
        case()  # byte code is written
    base = next(iter(IMPORTS))
    found = rows(interleave(cases, rounds, "import"), base, cost=True, group="import")
    cases = {name: lambda app=app: registering(app) for name, app in REGISTERING.items()}
    label = f"register {REGISTERED} extensions of ten members"
    found += rows(interleave(cases, rounds, "register"), "socketify", cost=True, group=label)
    command = [sys.executable, "-m", "socketify_ext", "list"]
    with tempfile.TemporaryDirectory() as folder:
        install_plugins(Path(folder))
        cases = {
            "no plugin": lambda: run(command),
            f"{PLUGINS} plugins": lambda: run(command, PYTHONPATH=folder),
        }
        cases[f"{PLUGINS} plugins"]()
        found += rows(interleave(cases, rounds, "list"), "no plugin", cost=True, group="socketify-ext list")
    targets = [
        target(
            "import socketify_ext, to socketify, pydantic, pluggy",
            find(found, "socketify_ext")["cpu_ratio"],
            "<=",
            1.25,
        ),
        target(
            "socketify-ext list with 100 plugins, to none", find(found, f"{PLUGINS} plugins")["cpu_ratio"], "<=", 1.5
        ),
    ]
    return {"unit": "ms", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
