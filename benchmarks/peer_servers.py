"""The peers that are there, as commands that serve `peers/`; what is missing has a reason."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Collection
from contextlib import ExitStack
from importlib.metadata import distributions
from pathlib import Path

from building import ENVIRONMENTS, NODE_MODULES, NODE_PEERS, PYTHON_PEERS, reason
from serving import Server, start

PEERS = Path(__file__).parent / "peers"
LABELS = {
    "starlette": "Starlette, uvicorn",
    "fastapi": "FastAPI, uvicorn",
    "litestar": "Litestar, uvicorn",
    "robyn": "Robyn",
    "sanic": "Sanic, sanic-ext",
    "blacksheep": "BlackSheep, uvicorn",
    "granian": "Granian",
    "fastpysgi": "FastPySGI",
    "fastify": "Fastify",
    "uwebsockets": "uWebSockets.js",
    "elysia": "Elysia, Bun",
    "bun": "Bun",
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
    runners = {"node": shutil.which("node"), "bun": str(NODE_MODULES / ".bin" / "bun")}
    for name, runtime in NODE_PEERS.items():
        runner = runners[runtime]
        if not (PEERS / f"{name}_{kind}.mjs").exists():
            continue
        if (NODE_MODULES / name).exists() and runner and Path(runner).exists():
            script = str(PEERS / f"{name}_{kind}.mjs")
            found[LABELS[name]] = lambda port, runner=runner, script=script: [runner, script, str(port)]
        else:
            missing[LABELS[name]] = "not installed"
    return found, missing


def wrong_answer(one: Server) -> str | None:
    """Return what is wrong with the answer of an app, None for the common one."""
    with one.running():
        for headers, wanted in (({"token": "x"}, {"name": "Test"}), ({}, {"name": "Anonymous"})):
            status, kind, body = one.ask("/", headers)
            if status != 200 or not kind.startswith("application/json") or json.loads(body) != wanted:
                return f"it answers {status} {kind!r} {body[:200]!r}"
    return None


def started(
    stack: ExitStack, kind: str = "app", only: Collection[str] = LABELS.values()
) -> tuple[dict[str, Server], dict[str, str]]:
    """Start the peers that are installed, by label, and return reasons for those that do not answer as all others.

    Args:
        stack: what stops them.
        kind: as in `commands`.
        only: the labels of those that are wanted.
    """
    found, missing = commands(kind)
    servers = {}
    for label, command in found.items():
        if label in only:
            try:
                one = start(command)
                stack.callback(one.stop)
                wrong = wrong_answer(one) if kind == "app" else None
            except (RuntimeError, OSError, ValueError) as error:
                wrong = reason(str(error))
            if wrong is None:
                servers[label] = one
            else:
                missing[label] = wrong
    return servers, {label: why for label, why in missing.items() if label in only}


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
    if "socketify-ext-speedups" in own:
        found["socketify-ext-speedups"] = own["socketify-ext-speedups"]
    if NODE_MODULES.exists():
        have = (name for name in (*NODE_PEERS, "@fastify/static") if (NODE_MODULES / name).exists())
        found |= {name: node_version(name) for name in have}
        node = shutil.which("node")
        if node:
            found["node"] = (
                subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout[1:].strip()
            )
    return found
