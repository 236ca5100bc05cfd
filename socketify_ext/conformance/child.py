"""The process that a check runs members in: `python -m socketify_ext.conformance.child`.

It loads the target, tells what members there are and how they can be called, and serves the probes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from ..inspection.loading import load_target, place_of, unserved
from ..registry.registry import Registry
from ..sdk.declaration import Extension
from ..sdk.suggest import suggestion
from .calls import Call, UnguessableError, parse, plan
from .lint import lint

if TYPE_CHECKING:
    from ..sdk.spec import MemberSpec


class Telling:
    """Tell the parent one thing a line."""

    def __init__(self, file: int) -> None:
        self._file = file

    def __call__(self, **things: Any) -> None:
        """Tell something in plain data."""
        os.write(self._file, (json.dumps(things) + "\n").encode())


def configured(found: Any, request: Mapping[str, Any]) -> Any:
    """Give an extension its options; an app takes none."""
    if isinstance(found, Extension):
        return found.configured(**request["options"])
    if request["options"]:
        who, fix = f"target {request['target']!r}", "Give options where the app registers its extensions"
        raise errors.TargetError(who, "was given options", "it is an app", fix)
    return found


def make_app(found: Any, pools: list[int] | None) -> Any:
    """Give the app that a target is, or one with the extension that it is: stock where pools are given."""
    import socketify

    import socketify_ext

    if not isinstance(found, Extension):
        return found
    app = socketify_ext.App() if pools is None else socketify.App(None, *pools)
    app.register(found)
    return app


def members_of(app: Any, found: Any) -> dict[str, MemberSpec]:
    """Give the members that are to be checked: the extension's own, or all of an app."""
    from ..app import inspect

    members = inspect(app).members
    if not isinstance(found, Extension):
        return members
    return {name: member for name, member in members.items() if member.provenance.extension == found.name}


def calls_of(members: Mapping[str, MemberSpec], given: list[str]) -> tuple[dict[str, Call], dict[str, str]]:
    """Plan the calls of members; give those that can't be called with the reasons."""
    calls, reasons = {}, {}
    for name, member in members.items():
        try:
            calls[name] = plan(member)
        except UnguessableError as error:
            reasons[name] = str(error)
    for text in given:
        name, call = parse(text)
        if name not in members:
            close = suggestion(name, members) or f"It has {', '.join(members) or 'none'}"
            raise errors.TargetError(f"--with {text!r}", "names no member", f"there is no {name} to check", close)
        calls[name] = call
        reasons.pop(name, None)
    return calls, reasons


def described(name: str, member: MemberSpec, calls: Mapping[str, Call], reasons: Mapping[str, str]) -> dict[str, Any]:
    """Describe a member for the report."""
    call = calls.get(name)
    return {
        "name": name,
        "kind": member.kind,
        "signature": member.signature,
        "place": member.provenance.location,
        "call": call.text if call else "",
        "guessed": bool(call and call.guessed),
        "reason": reasons.get(name, ""),
        "findings": [asdict(finding) for finding in lint(member)],
    }


def main(request: dict[str, Any]) -> None:
    """Load, tell, serve."""
    tell = Telling(request["file"])
    sys.path.insert(0, str(Path.cwd()))
    try:
        with contextlib.redirect_stdout(sys.stderr), unserved() as served:
            found = configured(load_target(request["target"], Registry(), served), request)
            app = make_app(found, request["pools"])
        work(app, found, request, tell)
    except BaseException as error:  # a target may raise anything, SystemExit too
        tell(error=_parts(request["target"], error), traceback=traceback.format_exc())
    sys.stderr.flush()
    os._exit(0)  # no thread of the target keeps the process


def _parts(target: str, error: BaseException) -> dict[str, Any]:
    if isinstance(error, errors.ExtensionError):
        cause = error.__cause__
        why = (
            f"{error.why} ({type(cause).__name__}: {cause}{place_of(cause)})"
            if isinstance(cause, Exception)
            else error.why
        )
        return {"kind": type(error).__name__, "who": error.who, "what": error.what, "why": why, "fix": error.fix}
    why = f"{type(error).__name__}: {error}{place_of(error)}"
    fix = "Correct that; --traceback shows the whole way there"
    return {"kind": "TargetError", "who": f"target {target!r}", "what": "can't be loaded", "why": why, "fix": fix}


def work(app: Any, found: Any, request: dict[str, Any], tell: Telling) -> None:
    """Tell the members, what they read and what they cost; or serve the probes."""
    from .cost import costs
    from .names import names_read

    members = members_of(app, found)
    calls, reasons = calls_of(members, request["examples"])
    if request["serves"]:
        serve(app, calls, tell)
        return
    records = [described(name, member, calls, reasons) for name, member in members.items()]
    is_app = not isinstance(found, Extension)
    tell(members=records, documented=is_app or bool(found.summary), is_app=is_app)
    tell(reads=names_read(members, calls))
    for name, cost in costs(members, calls):
        tell(cost=asdict(cost), member=name)
    tell(rehearsed=True)


def serve(app: Any, calls: Mapping[str, Call], tell: Telling) -> None:
    """Serve the probes until the parent has seen enough."""
    from .observation import watch
    from .probe import Probe

    watch()
    Probe(app, calls).add_routes()
    app.listen({"port": 0, "host": "127.0.0.1"}, lambda config: tell(port=config.port))
    app.run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
