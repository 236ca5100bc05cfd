"""The text of a stub module, from the description of an app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import indent
from typing import TYPE_CHECKING, Final

from ...inspection.annotation import Annotation
from ...inspection.member import STARS, Parameter, render_parameters
from .imports import StubImports

if TYPE_CHECKING:
    from ...inspection.app_description import AppDescription
    from ...inspection.member import Member

CLASSES: Final = {"request": "Request", "response": "Response", "ws": "WebSocket"}
# The classes in whose place the module has its own: all requests of an app are of the one that has its members.
OWN_CLASSES: Final = {
    "socketify_ext.runtime.request:Request": "Request",
    "socketify_ext.runtime.response:Response": "Response",
    "socketify_ext.runtime.websocket:WebSocket": "WebSocket",
    "socketify.socketify:AppRequest": "Request",
    "socketify.socketify:AppResponse": "Response",
    "socketify.socketify:WebSocket": "WebSocket",
}
_MARK: Final = ", written by `socketify-ext stubs`; do not edit."
_TAB: Final = "    "
_FORMS: Final = {
    "any": Annotation("typing.Any", ["typing:Any"]),
    "call": Annotation("collections.abc.Callable", ["collections.abc:Callable"]),
    "literal": Annotation("typing.Literal", ["typing:Literal"]),
    "self": Annotation("typing_extensions.Self", ["typing_extensions:Self"]),
}

_DEPRECATED: Final = Annotation("typing_extensions.deprecated", ["typing_extensions:deprecated"])

_BEHAVIOR: Final = '''\
class Behavior(Limits, total=False):
    """What `app.ws` takes."""

    upgrade: {call}[[Response, Request, {any}], object]
    open: {call}[[WebSocket], object]
    message: {call}[[WebSocket, {any}, {any}], object]
    drain: {call}[[WebSocket], object]
    ping: {call}[[WebSocket, {any}], object]
    pong: {call}[[WebSocket, {any}], object]
    close: {call}[[WebSocket, {any}, {any}], object]
    subscription: {call}[[WebSocket, {any}, {any}, {any}], object]
'''
_APP: Final = '''\
class App({kind}[Response, Request]):
    """The app, for handlers of these types."""

    def ws(self, path: str, behavior: Behavior{options}) -> {self}: ...
'''
_INSTALL: Final = '''\
def install(
    app: object,
    *,
    on_collision: {literal}["error", "keep", "replace"] = ...,
    registry: socketify_ext.Registry | None = ...,
    shutdown_grace: float = ...,
    shutdown_timeout: float = ...,
    max_body: int = ...,
    max_held_bodies: int = ...,
    cancel_on_abort: bool = ...,
) -> App:
    """Make an app that someone else made a `socketify_ext.App`; see `socketify_ext.install`."""
    ...
'''


class StubModule:
    """The types of a target; `problems` lists what has become Any."""

    def __init__(self, described: AppDescription) -> None:
        self._described = described
        own = {
            "App",
            "Behavior",
            "Limits",
            "TYPE_CHECKING",
            "TypedApp",
            "TypedCoreApp",
            "annotations",
            "install",
            "socketify",
        }
        self._members, self.problems = described.every_member()
        members = {member.name for member in self._members}
        classes = {full: name for full, name in OWN_CLASSES.items() if name not in members}
        self._imports = StubImports({*own, "socketify_ext", *CLASSES.values(), *members}, classes)

    def text(self) -> str:
        """Return the module's text."""
        installed = self._described.installed
        home, kind = ("socketify_ext", "TypedApp") if installed else ("socketify", "TypedCoreApp")
        names = ["App", *CLASSES.values(), *(["install"] if installed else [])]
        forms = {name: self._imports.render(form) for name, form in _FORMS.items() if installed or name != "literal"}
        definitions = [*(self._class(target, home) for target in CLASSES), _BEHAVIOR.format(**forms)]
        definitions += [
            _APP.format(kind=kind, options=f", **options: {forms['any']}" if installed else "", **forms),
            *([_INSTALL.format(**forms)] if installed else []),
        ]
        imports = sorted([*self._imports.lines(), f"from socketify_ext.typing import Limits, {kind}"])
        head = "\n".join([f"import {home}", *imports, *self._imports.variables()]) + "\n"
        return "\n".join(
            [
                f'"""Types of {self._described.target}{_MARK}"""',
                "",
                *self._settings(),
                "from __future__ import annotations",
                "",
                "from typing import TYPE_CHECKING",
                "",
                "if TYPE_CHECKING:",
                indent("\n".join([head, *definitions]), _TAB).rstrip(),
                "else:",
                f"{_TAB}from {home} import {', '.join(names)}",
                "",
                f"{_TAB}Behavior = dict",
                "",
                f"__all__ = [{', '.join(map(_quoted, sorted([*names, 'Behavior'])))}]",
                "",
            ]
        )

    def _settings(self) -> Iterator[str]:
        """Yield the settings of type checkers for this file."""
        yield "# ruff: noqa"
        mypy, pyright = ["override"], ["reportIncompatibleMethodOverride"]  # `ws` takes less than a plain App's
        if any(self._described.replaces_own(member) for member in self._members):
            mypy += ["assignment", "misc"]
            pyright.append("reportIncompatibleVariableOverride")
        if self._imports.has_untyped:
            mypy.append("import-untyped")
            pyright.append("reportMissingTypeStubs")
        if self._imports.has_private:
            pyright.append("reportPrivateUsage")
        yield f'# mypy: disable-error-code="{",".join(mypy)}"'
        yield f"# pyright: {', '.join(f'{rule}=false' for rule in pyright)}"

    def _class(self, target: str, home: str) -> str:
        members = [member for member in self._members if member.target == target]
        lines = [f"class {CLASSES[target]}({home}.{CLASSES[target]}):"]
        added = " and ".join([*dict.fromkeys(repr(member.extension) for member in members)]) or "no extension"
        lines.append(f'{_TAB}"""{CLASSES[target]} with the members of {added}."""\n')
        attributes = [member for member in members if member.kind != "method"]
        methods = [member for member in members if member.kind == "method"]
        lines.extend(indent(self._member(member), _TAB) for member in (*attributes, *methods))
        return "\n".join(lines)

    def _member(self, member: Member) -> str:
        kinds = [member.type, *(parameter.annotation for parameter in member.parameters or ())]
        for kind in kinds:
            for problem in kind.problems if kind else ():
                self.problems.append(f"{member.path} has typing.Any for a type that can't be imported: {problem}")
        if member.kind != "method":
            doc = _docstring(member.doc) if member.doc else ""
            value = self._imports.render(member.value_type)
            return (
                f"{member.name}: {value}\n{doc}" if member.deprecated is None else self._deprecated(member, value, doc)
            )
        kind_text = self._imports.render(member.type)
        if member.parameters is None:
            any_ = self._imports.render(None)
            parameters = f"*args: {any_}, **kwargs: {any_}"
        else:
            parameters = ", ".join(render_parameters(member.parameters, self._parameter))
        prefix = "async def" if member.is_async else "def"
        head = f"{prefix} {member.name}({', '.join(part for part in ('self', parameters) if part)}) -> {kind_text}:"
        if member.deprecated is not None:
            head = f"{self._mark(member.deprecated)}\n{head}"
        return f"{head}\n{indent(_docstring(member.doc), _TAB)}{_TAB}...\n" if member.doc else f"{head} ...\n"

    def _deprecated(self, member: Member, kind: str, doc: str) -> str:
        """Return a property with functions, since checkers warn of these alone (PEP 702)."""
        mark = self._mark(member.deprecated or "")
        read = f"@{self._imports.builtin('property')}\n{mark}\ndef {member.name}(self) -> {kind}:\n{indent(doc, _TAB)}{_TAB}...\n"
        return f"{read}@{member.name}.setter\n{mark}\ndef {member.name}(self, value: {kind}) -> None: ...\n"

    def _mark(self, text: str) -> str:
        return f"@{self._imports.render(_DEPRECATED)}({text!r})"

    def _parameter(self, parameter: Parameter) -> str:
        default = "" if parameter.default is None else " = ..."
        return f"{STARS.get(parameter.kind, '')}{parameter.name}: {self._imports.render(parameter.annotation)}{default}"


def is_stub_module(content: bytes) -> bool:
    """Whether a file's content is a stub module, however it is formatted and of whichever target."""
    return re.match(rb'\s*"""Types of [^\n]+' + re.escape(_MARK.encode()), content) is not None


def home_of(content: bytes) -> str:
    """Return the package whose classes a stub module passes on when a program runs."""
    return "socketify" if re.search(rb"^ *from socketify import App\b", content, re.MULTILINE) else "socketify_ext"


def _docstring(doc: str) -> str:
    text = doc.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if text.endswith('"'):
        text = f'{text[:-1]}\\"'
    return f'"""{text}\n"""\n' if "\n" in text else f'"""{text}"""\n'


def _quoted(name: str) -> str:
    return f'"{name}"'
