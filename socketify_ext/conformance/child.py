"""The child process that runs members for a check: `python -m socketify_ext.conformance.child`.

It loads the target, describes its members and their calls, and serves the probes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .. import errors
from ..inspection.loading import load_target, without_serving
from ..inspection.process import EventWriter, run_child
from ..registry.registry import Registry
from ..sdk.declaration import Extension
from ..sdk.suggest import suggestion
from .calls import Call, UnguessableError, parse, plan
from .lint import lint

if TYPE_CHECKING:
    from ..sdk.spec import MemberSpec


def configured(found: Any, request: Mapping[str, Any]) -> Any:
    """Return an extension with its options, or an app, which takes none."""
    if isinstance(found, Extension):
        return found.configured(**request["options"])
    if request["options"]:
        who, fix = f"target {request['target']!r}", "Give options where the app registers its extensions"
        raise errors.TargetError(who, "was given options", "it is an app", fix)
    return found


def make_app(found: Any, pools: list[int] | None) -> Any:
    """Return the app of a target, or one with its extension: a stock app where pools are given."""
    import socketify

    import socketify_ext

    if not isinstance(found, Extension):
        return found
    app = socketify_ext.App() if pools is None else socketify.App(None, *pools)
    app.register(found)
    return app


def members_of(app: Any, found: Any) -> dict[str, MemberSpec]:
    """Return the members to check: the extension's own, or all of an app."""
    from ..app import inspect

    members = inspect(app).members
    if not isinstance(found, Extension):
        return members
    return {name: member for name, member in members.items() if member.provenance.extension == found.name}


def calls_of(members: Mapping[str, MemberSpec], given: list[str]) -> tuple[dict[str, Call], dict[str, str]]:
    """Return the planned calls of members, and the reasons why others can't be called."""
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


def main(request: dict[str, Any], write_event: EventWriter) -> None:
    """Load the target, then describe its members, or serve the probes."""
    with without_serving() as served:
        found = configured(load_target(request["target"], Registry(), served), request)
        app = make_app(found, request["pools"])
    work(app, found, request, write_event)


def work(app: Any, found: Any, request: dict[str, Any], write_event: EventWriter) -> None:
    """Write the members, the names that they read and their costs; or serve the probes."""
    from .cost import costs
    from .names import names_read

    members = members_of(app, found)
    calls, reasons = calls_of(members, request["examples"])
    if request["serves"]:
        serve(app, calls, write_event)
        return
    records = [described(name, member, calls, reasons) for name, member in members.items()]
    is_app = not isinstance(found, Extension)
    write_event(members=records, documented=is_app or bool(found.summary), is_app=is_app)
    write_event(reads=names_read(members, calls))
    for name, cost in costs(members, calls):
        write_event(cost=asdict(cost), member=name)
    write_event(completed=True)


def serve(app: Any, calls: Mapping[str, Call], write_event: EventWriter) -> None:
    """Serve the probes until the parent ends this process."""
    from .observation import watch
    from .probe import Probe

    watch()
    Probe(app, calls).add_routes()
    app.listen({"port": 0, "host": "127.0.0.1"}, lambda config: write_event.finish(port=config.port))
    app.run()


if __name__ == "__main__":
    run_child(main)
