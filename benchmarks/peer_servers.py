"""The peers that are there, as commands that serve `peers/`; what is missing has a reason."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

from building import ENVIRONMENTS, NODE_MODULES, PYTHON_PEERS

PEERS = Path(__file__).parent / "peers"
LABELS = {
    "starlette": "Starlette, uvicorn",
    "fastapi": "FastAPI, uvicorn",
    "litestar": "Litestar, uvicorn",
    "robyn": "Robyn",
    "sanic": "Sanic, sanic-ext",
    "fastify": "Fastify",
    "elysia": "Elysia, Bun",
}

Command = Callable[[int], list[str]]


def installed(folder: Path) -> dict[str, str]:
    """Return the versions of the distributions in an environment."""
    sites = [str(path) for path in folder.glob("lib/python*/site-packages")]
    return {each.metadata["Name"].lower(): each.version for each in distributions(path=sites)}


def node_version(package: str) -> str:
    """Return the version of an npm package."""
    found = re.search(r'"version": "([^"]+)"', (NODE_MODULES / package / "package.json").read_text())
    return found[1] if found else "?"


def commands(kind: str = "app") -> tuple[dict[str, Command], dict[str, str]]:
    """Return the commands of the peers that are installed, by label, and reasons for the others.

    Args:
        kind: which of their programs in `peers` is meant; peers without one are left out silently.
    """
    found: dict[str, Command] = {}
    missing: dict[str, str] = {}
    for name in PYTHON_PEERS:
        if not (PEERS / f"{name}_{kind}.py").exists():
            continue
        python = ENVIRONMENTS / platform.python_version() / name / "bin" / "python"
        if python.exists():
            script = str(PEERS / f"{name}_{kind}.py")
            found[LABELS[name]] = lambda port, python=str(python), script=script: [python, script, str(port)]
        else:
            missing[LABELS[name]] = "not installed"
    runners = {"fastify": shutil.which("node"), "elysia": str(NODE_MODULES / ".bin" / "bun")}
    for name, runner in runners.items():
        if not (PEERS / f"{name}_{kind}.mjs").exists():
            continue
        if (NODE_MODULES / name).exists() and runner and Path(runner).exists():
            script = str(PEERS / f"{name}_{kind}.mjs")
            found[LABELS[name]] = lambda port, runner=runner, script=script: [runner, script, str(port)]
        else:
            missing[LABELS[name]] = "not installed"
    return found, missing


def versions() -> dict[str, str]:
    """Return the versions of what is measured, for the interpreter that runs this."""
    folder = ENVIRONMENTS / platform.python_version()
    found = {}
    for name, packages in PYTHON_PEERS.items():
        have = installed(folder / name)
        for package in packages:
            bare = package.partition("[")[0]
            if bare in have:
                found[bare] = have[bare]
    own = {each.metadata["Name"].lower(): each.version for each in distributions()}
    for package in ("socketify", "socketify-ext", "msgpack", "msgspec", "pydantic", "pluggy"):
        found[package] = own.get(package, "?")
    if NODE_MODULES.exists():
        found |= {name: node_version(name) for name in ("fastify", "@fastify/static", "elysia", "bun")}
        node = shutil.which("node")
        if node:
            found["node"] = (
                subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout[1:].strip()
            )
    return found
