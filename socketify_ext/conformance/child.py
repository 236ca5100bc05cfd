"""The child process that runs the parts of an extension for a check: `python -m socketify_ext.conformance.child`.

It loads the target, describes its members and their calls, and serves the probes. All that it needs is imported before the
target is: a target may replace functions of any module, which one that is imported later would take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn

from .. import errors
from ..app import App, inspect
from ..inspection.given_options import GivenOptions
from ..inspection.loading import load_target, without_serving
from ..inspection.process import EventWriter, one_line, run_child, run_fork
from ..registry.registry import Registry
from ..sdk.declaration import Extension
from ..sdk.suggest import suggestion
from .calls import Call, UnguessableError, parse, plan, sample
from .commands import Commands
from .cost import costs
from .endings import add_endings, add_option
from .facts import facts_of
from .lint import lint
from .option_values import tried_options
from .patches import patched, remember_functions
from .probe import Probe
from .watch import Watch
from .watching import watch_all

if TYPE_CHECKING:
    from ..sdk.spec import MemberSpec


def load(target: str, given: GivenOptions, served: list[Any]) -> Any:
    """Return a target: an app, or an extension with the options that the command and the environment have for it."""
    registry = Registry()
    found = load_target(target, registry, served)
    if not isinstance(found, Extension):
        return found
    given.belong_to(found)
    return registry.load(target) if found.loader == registry.load else found.configured(**given.of(found))


def make_app(found: Any, request: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the app of a target, or one with its extension, and where its routes go: the app or a scope of it."""
    import socketify

    if not isinstance(found, Extension):
        return found, found
    if request["pools"] is not None:
        app = socketify.App(None, *request["pools"])
    else:
        app = App(shutdown_grace=0.1, shutdown_timeout=request["patience"] / 2)
    place = app.scope(request["scope"]) if request["scope"] else app
    place.register(found)
    return app, place


def members_of(place: Any, found: Any) -> dict[str, MemberSpec]:
    """Return the members to check: the extension's own, or all of an app."""
    members = inspect(place).members
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
        except errors.TargetError as error:  # its own example
            reasons[name] = f"{error.who} {error.what}: {error.why}"
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
        "upgrades": bool(call and call.upgrades),
        "reason": reasons.get(name, ""),
        "findings": [asdict(finding) for finding in lint(member)],
    }


def run(request: dict[str, Any], write_event: EventWriter) -> None:
    """Load the target, then describe its members, or serve the probes."""
    watch = None
    if request["serves"]:
        watch = Watch(write_event)
        watch_all(watch)
    given = GivenOptions(request["options"])
    with given.in_effect():
        remember_functions()
        found = None
        try:
            with without_serving() as served:
                found = load(request["target"], given, served)
                app, place = make_app(found, request)
        except errors.ExtensionError as error:
            extension = found if isinstance(found, Extension) else None
            raise given.advised(error, request["target"], extension) from error.__cause__
        except BaseException as error:
            if found is None:
                raise
            write_event(
                name=getattr(found, "name", None), unregistered=one_line(error)
            )  # by its function, or its store
            return
        if not request["shares_options"]:
            given.check_used(request["target"])
        if watch is not None:
            serve(app, place, found, request, watch, write_event)
        else:
            work(app, found, request, write_event)


def work(app: Any, found: Any, request: dict[str, Any], write_event: EventWriter) -> None:
    """Write what is known of the target, the members and their costs, and the options."""
    members = members_of(app, found)
    calls, reasons = calls_of(members, request["examples"])
    records = [described(name, member, calls, reasons) for name, member in members.items()]
    name = found.name if isinstance(found, Extension) else None
    write_event(name=name, members=records, patched=patched(), facts=facts_of(found))
    for name, cost in costs(members, calls) if request["measures"] else ():
        write_event(cost=asdict(cost), member=name)
    for option in tried_options(found):
        write_event(option=option)
    write_event(completed=True)


def serve(app: Any, place: Any, found: Any, request: dict[str, Any], watch: Watch, write_event: EventWriter) -> None:
    """Serve the probes until the parent closes the app, or ends this process."""
    calls, _ = calls_of(members_of(place, found), request["examples"])
    probe = Probe(app, calls, is_pooled=bool(request["pools"] and request["pools"][0]))
    probe.add_routes(place)
    prefixes: list[str] = []
    reasons: dict[str, str] = {}
    if isinstance(app, App) and place is app:
        prefixes = sorted({part.path for part in watch.parts if part.kind == "hook"} | {""})
        add_endings(app, prefixes)
        reasons = add_options(app, watch, request["values"])
    commands = Commands(app, probe, watch, write_event)

    def listening(config: Any) -> None:
        commands.listen()
        parts = [{**asdict(part), "reason": reasons.get(part.name, "")} for part in watch.parts]
        write_event.finish(port=config.port, parts=parts, prefixes=prefixes)

    try:
        app.listen({"port": 0, "host": "127.0.0.1"}, listening)
        app.run()
    except errors.ExtensionError:
        raise
    except BaseException as error:
        ended = f"{one_line(error)} has ended it"
    else:
        ended = "the app was closed"
    write_event(ended=ended, patched=patched(), **watch.take_ended())


def add_options(app: Any, watch: Watch, given: Mapping[str, Any]) -> dict[str, str]:
    """Add routes with each route option; return why others can't be given, by the names of the parts."""
    reasons = {}
    for name, annotation in list(watch.options.items()):
        shown = "it"
        try:
            shown, value = (repr(given[name]), given[name]) if name in given else sample(annotation)
            add_option(app, name, value)
        except (UnguessableError, errors.ExtensionError) as error:
            if name in given:
                raise
            watch.forget(f"route option {name}")
            why = str(error) or "no value can be made up for its type"
            reasons[f"route option {name}"] = f"{name}={shown}: {why}; give a value by --with {name}=VALUE"
    return reasons


def main(given: str, *descriptors: int) -> NoReturn:
    """Run in a process that a fork server has forked."""
    run_fork(run, given, *descriptors)


if __name__ == "__main__":
    run_child(run)
