"""Calls of members: with arguments that suit the signature, or as `--with` says."""

from __future__ import annotations

import ast
import collections.abc
import datetime
import decimal
import enum
import functools
import inspect
import pathlib
import types
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any, Final

from pydantic import BaseModel

from .. import errors
from ..inspection.scope import Scope
from ..sdk.spec import ComputedSpec, MemberSpec, MethodSpec

TAG: Final = "probe"
DRY_RUN_TAG: Final = "probe-00000000-0"  # of calls before the first probe; a member may keep it, too

# Makes an argument from what is there at the call: "request", "response", "ws" and "tag".
Argument = Callable[[Mapping[str, Any]], Any]

_LIVE: Final = {"req": "request", "res": "response", "websocket": "ws", "socket": "ws"}
_TARGETS: Final = ("request", "response", "ws")
_CONTEXT: Final = "context"  # that an upgrade handler gets, as it is called in all documents
_CLASSES: Final = {"Request": "request", "Response": "response", "WebSocket": "ws"}
_PLAIN: Final[dict[Any, tuple[str, Argument]]] = {
    str: (repr(TAG), lambda there: there["tag"]),
    bytes: (f"b'{TAG}'", lambda there: there["tag"].encode()),
    int: ("1", lambda _: 1),
    float: ("1.0", lambda _: 1.0),
    bool: ("True", lambda _: True),
    type(None): ("None", lambda _: None),
    type: ("dict", lambda _: dict),
    Any: (f"{{'probe': '{TAG}'}}", lambda there: {"probe": there["tag"]}),
    object: (f"{{'probe': '{TAG}'}}", lambda there: {"probe": there["tag"]}),
    datetime.datetime: ("now", lambda _: datetime.datetime.now(datetime.timezone.utc)),
    datetime.date: ("today", lambda _: datetime.datetime.now(datetime.timezone.utc).date()),
    datetime.timedelta: ("1 s", lambda _: datetime.timedelta(seconds=1)),
    decimal.Decimal: ("Decimal(1)", lambda _: decimal.Decimal(1)),
    uuid.UUID: ("UUID(int=1)", lambda _: uuid.UUID(int=1)),
    pathlib.Path: ("Path('probe')", lambda _: pathlib.Path("probe")),
}
_LISTS: Final = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_SETS: Final = (set, frozenset, collections.abc.Set)
_MAPS: Final = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class UnguessableError(Exception):
    """No argument can be made for a parameter."""


@dataclass(frozen=True)
class Call:
    """How to call a member; `guessed` where an argument was made up.

    `earlier` are calls that go before, each with the name of its target: an example may need them. `upgrades` says that
    it takes the context of an upgrade, and so belongs into an upgrade handler.
    """

    name: str
    text: str
    positional: tuple[Argument, ...] = ()
    keyword: tuple[tuple[str, Argument], ...] = ()
    guessed: bool = False
    is_property: bool = False
    function: Callable[[Any], Any] | None = None  # of an async property, whose steps are then the caller's own
    earlier: tuple[tuple[str, Call], ...] = ()
    upgrades: bool = False

    def run(self, target: Any, there: Mapping[str, Any]) -> Any:
        """Make the calls that go before, then this one; return its result, awaitable where one of them is."""
        for number, (name, call) in enumerate(self.earlier, 1):
            value = call(there[name], there)
            if isawaitable(value):
                return self._go_on(value, self.earlier[number:], target, there)
        return self(target, there)

    async def _go_on(
        self, first: Any, others: tuple[tuple[str, Call], ...], target: Any, there: Mapping[str, Any]
    ) -> Any:
        await first
        for name, call in others:
            value = call(there[name], there)
            if isawaitable(value):
                await value
        result = self(target, there)
        return await result if isawaitable(result) else result

    def __call__(self, target: Any, there: Mapping[str, Any]) -> Any:
        """Call the member of `target`, or read the property."""
        return self.bound(target, there)()

    def bound(self, target: Any, there: Mapping[str, Any]) -> Callable[[], Any]:
        """Prepare the call, so that only the member's own work is left."""
        if self.function is not None:
            return functools.partial(self.function, target)
        if self.is_property:
            return lambda: getattr(target, self.name)
        positional = [make(there) for make in self.positional]
        keyword = {key: make(there) for key, make in self.keyword}
        return functools.partial(getattr(target, self.name), *positional, **keyword)


def plan(member: MemberSpec) -> Call:
    """Plan a call with the required arguments.

    Raises:
        UnguessableError: no value can be made up for a parameter.
    """
    if isinstance(member, ComputedSpec) and member.is_async:
        return Call(member.name, f"await {member.name}", function=member.function)
    if not isinstance(member, MethodSpec):
        return Call(member.name, member.name, is_property=True)
    if member.example is not None:
        _, call = parse(member.example, "example=")
        return replace(call, name=member.name)
    try:
        parameters = list(inspect.signature(member.function).parameters.values())[1:]
    except ValueError:
        raise UnguessableError("its signature can't be read") from None
    scope = Scope(member.function)
    positional: list[Argument] = []
    keyword: list[tuple[str, Argument]] = []
    texts: list[str] = []
    upgrades = False
    for parameter in parameters:
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        text, make = _argument(parameter, scope, member.target)
        upgrades = upgrades or text == _CONTEXT
        if parameter.kind is parameter.KEYWORD_ONLY:
            keyword.append((parameter.name, make))
            text = f"{parameter.name}={text}"
        else:
            positional.append(make)
        texts.append(text)
    text = f"{member.name}({', '.join(texts)})"
    return Call(member.name, text, tuple(positional), tuple(keyword), guessed=bool(texts), upgrades=upgrades)


def _argument(parameter: inspect.Parameter, scope: Scope, target: str) -> tuple[str, Argument]:
    name = _LIVE.get(parameter.name, parameter.name)
    there = ("ws",) if target == "ws" else ("request", "response", _CONTEXT)
    if name in _TARGETS or name in there:
        if name not in there:
            raise UnguessableError(f"{parameter.name} is not there where a member of {target} runs")
        return name, lambda live: live[name]
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return _PLAIN[str]
    try:
        wanted = scope.evaluate(annotation) if isinstance(annotation, str) else annotation
        return _sample(wanted, there)
    except UnguessableError:
        raise UnguessableError(f"no value can be made up for {parameter}") from None
    except Exception as error:  # an annotation is code, and may raise anything
        raise UnguessableError(f"the annotation of {parameter} can't be evaluated ({error})") from None


def sample(annotation: Any) -> tuple[str, Any]:
    """Return the text of a made-up value of a type, and the value.

    Raises:
        UnguessableError: none can be made up.
    """
    text, make = _sample(annotation, ())
    return text, make({"tag": TAG})


def _sample(wanted: Any, there: tuple[str, ...]) -> tuple[str, Argument]:
    """Make a value of a type."""
    if wanted is None:
        wanted = type(None)
    try:
        plain = type if typing.get_origin(wanted) is type else wanted
        if plain in _PLAIN:
            return _PLAIN[plain]
    except TypeError:  # no key: an Annotated with a list in it, and the like
        pass
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return _first(arguments, there)
    if origin is typing.Annotated:
        return _bounded(_sample(arguments[0], there), arguments[1:])
    if origin is typing.Literal:
        return repr(arguments[0]), lambda _: arguments[0]
    kind = origin or wanted
    live_name = _CLASSES.get(getattr(kind, "__name__", ""))
    if live_name in there and str(getattr(kind, "__module__", "")).startswith("socketify"):
        return live_name, lambda live: live[live_name]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        chosen = next(iter(kind))
        return str(chosen), lambda _: chosen
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind, there)
    return _container(kind, arguments, there)


def _bounded(made: tuple[str, Argument], metadata: Sequence[Any]) -> tuple[str, Argument]:
    """Make the least number that a type allows, where it says so."""
    marks = [mark for each in metadata for mark in getattr(each, "metadata", [each])]
    least = [mark.ge for mark in marks if hasattr(mark, "ge")] + [mark.gt + 1 for mark in marks if hasattr(mark, "gt")]
    if not least or made[0] not in ("1", "1.0"):
        return made
    return repr(max(least)), lambda _: max(least)


def _first(arguments: tuple[Any, ...], there: tuple[str, ...]) -> tuple[str, Argument]:
    for argument in arguments:
        try:
            return _sample(argument, there)
        except UnguessableError:
            continue
    raise UnguessableError


def _model(kind: type[BaseModel], there: tuple[str, ...]) -> tuple[str, Argument]:
    """Make a model of its required fields."""
    fields = {name: _sample(info.annotation, there) for name, info in kind.model_fields.items() if info.is_required()}
    texts = ", ".join(f"{name}={text}" for name, (text, _) in fields.items())
    return f"{kind.__name__}({texts})", lambda live: kind.model_validate(
        {name: make(live) for name, (_, make) in fields.items()}, by_name=True
    )


def _container(kind: Any, arguments: tuple[Any, ...], there: tuple[str, ...]) -> tuple[str, Argument]:
    inner = [_sample(argument, there) for argument in arguments if argument is not ...] or [_PLAIN[str]]
    if kind in _MAPS:
        (key_text, key), (text, value) = (inner[0], inner[-1]) if len(inner) > 1 else (_PLAIN[str], inner[0])
        return f"{{{key_text}: {text}}}", lambda live: {key(live): value(live)}
    if kind in _SETS:
        return f"{{{inner[0][0]}}}", lambda live: {inner[0][1](live)}
    if kind in _LISTS:
        texts = ", ".join(text for text, _ in inner)
        if kind is tuple:
            return f"({texts},)", lambda live: tuple(make(live) for _, make in inner)
        return f"[{texts}]", lambda live: [make(live) for _, make in inner]
    raise UnguessableError


def parse(text: str, who: str = "--with ") -> tuple[str, Call]:
    """Read an example: "request.member(1, key='x')", in which `request`, `response` and `ws` are those of the call.

    Further calls may go before it: "request.load(); request.member()".

    Returns:
        The member as "target.name", and the call.

    Raises:
        TargetError: it is not such a call.
    """
    try:
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        calls = [_read(statement) for statement in compile(text.strip(), "<example>", "exec", flags).body]
        if not calls:
            raise ValueError("it is empty")  # noqa: TRY301 - all mistakes have one message
    except (SyntaxError, ValueError) as error:
        raise errors.TargetError(
            f"{who}{text!r}",
            "can't be read",
            str(error).partition("\n")[0],
            "Write a call with plain values, as in 'request.member(1, key=\"x\")'",
        ) from None
    *earlier, (target, call) = calls
    shown = text.strip() if earlier else text.strip().partition(".")[2]
    return f"{target}.{call.name}", replace(call, text=shown, earlier=tuple(earlier))


def _read(statement: ast.stmt) -> tuple[str, Call]:
    """Read one call of an example, awaited or not."""
    node = statement.value if isinstance(statement, ast.Expr) else None
    node = node.value if isinstance(node, ast.Await) else node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        raise ValueError("it is not a call")  # noqa: TRY004 - all mistakes have one message
    target = node.func.value
    if not isinstance(target, ast.Name) or target.id not in _TARGETS:
        raise ValueError("it does not begin with request, response or ws")
    positional = tuple(_literal(each) for each in node.args)
    keyword = tuple((str(each.arg), _literal(each.value)) for each in node.keywords)
    return target.id, Call(node.func.attr, ast.unparse(node), positional, keyword)


def _literal(node: ast.expr) -> Argument:
    if isinstance(node, ast.Name) and node.id in _TARGETS:
        name = node.id
        return lambda there: there[name]
    value = ast.literal_eval(node)
    return lambda _: value
