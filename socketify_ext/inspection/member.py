"""A member as plain data: its parameters, types and defaults, read from its spec."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from socketify_ext.sdk.spec import MISSING, ComputedSpec, MemberSpec, MethodSpec, PropertySpec

from .annotation import ANY, Annotation, annotation, inferred
from .scope import Scope

_KINDS: Final = {
    inspect.Parameter.POSITIONAL_ONLY: "positional only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.VAR_POSITIONAL: "all positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword only",
    inspect.Parameter.VAR_KEYWORD: "all keyword",
}
STARS: Final = {"all positional": "*", "all keyword": "**"}
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Parameter:
    """One parameter; `default` is the text of its value, None where it has none."""

    name: str
    kind: str
    annotation: Annotation | None
    default: str | None


@dataclass(frozen=True)
class Member:
    """One member.

    Of a method, `parameters` leaves `self` out and is None where a builtin has no signature; `type` is its result's.
    Of a property, `type` is its value's and `default` the text of its default or factory. Of a computed one, `type` is its
    value's, once it is awaited where the member is async. `deprecated` says what to use instead, None where it is not.
    """

    target: str
    name: str
    kind: str
    extension: str
    file: str
    line: int
    override: bool
    renamed_from: str | None
    deprecated: str | None
    doc: str
    type: Annotation | None
    is_async: bool = False
    parameters: list[Parameter] | None = field(default_factory=list)
    default: str | None = None

    @property
    def path(self) -> str:
        """Return the name with its target, as in `request.get_user`."""
        return f"{self.target}.{self.name}"

    @property
    def signature(self) -> str:
        """Return the parameters and types, as in `(days: int = 1) -> list[str]` and `: str = 'Oslo'`."""
        return self._signature(_short)

    @property
    def exact_signature(self) -> str:
        """Return the signature with the modules of its types."""
        return self._signature(_exact)

    def _signature(self, shown: Callable[[Annotation], str]) -> str:
        if self.kind != "method":
            kind = self.value_type
            text = f": {shown(kind)}" if kind else ""
            return text if self.default is None else f"{text} = {self.default}"
        returns = f" -> {shown(self.type)}" if self.type else ""
        if self.parameters is None:
            return f"(...){returns}"
        parameters = render_parameters(self.parameters, lambda each: render_parameter(each, shown))
        return f"({', '.join(parameters)}){returns}"

    @property
    def value_type(self) -> Annotation | None:
        """Return the type of what is read: `Awaitable[User]` of an async property of `User`."""
        kind = self.type
        if not self.is_async:
            return kind
        kind = kind or Annotation(ANY, ["typing:Any"])
        return replace(
            kind,
            text=f"collections.abc.Awaitable[{kind.text}]",
            names=sorted([*kind.names, "collections.abc:Awaitable"]),
        )

    @property
    def prefix(self) -> str:
        """Return what stands before the name: "async " of a method, "computed " of a property that is."""
        return {"method": "async " if self.is_async else "", "computed": "computed "}.get(self.kind, "")


def render_parameters(parameters: list[Parameter], render: Callable[[Parameter], str]) -> list[str]:
    """Return parameters as they stand in a `def`, each as `render` returns it, with the marks `/` and `*`."""
    parts: list[str] = []
    kinds = [parameter.kind for parameter in parameters]
    for index, parameter in enumerate(parameters):
        if parameter.kind == "keyword only" and not {"all positional", "keyword only"} & set(kinds[:index]):
            parts.append("*")
        parts.append(render(parameter))
        if parameter.kind == "positional only" and "positional only" not in kinds[index + 1 :]:
            parts.append("/")
    return parts


def _short(annotation: Annotation) -> str:
    return annotation.short


def _exact(annotation: Annotation) -> str:
    return annotation.exact


def render_parameter(parameter: Parameter, shown: Callable[[Annotation], str] = _short) -> str:
    """Return a parameter with its annotation, as `shown` returns it, and its default."""
    star = STARS.get(parameter.kind, "")
    kind = f": {shown(parameter.annotation)}" if parameter.annotation else ""
    if parameter.default is None:
        return f"{star}{parameter.name}{kind}"
    return f"{parameter.name}{kind} = {parameter.default}" if kind else f"{parameter.name}={parameter.default}"


def describe_member(member: MemberSpec) -> Member:
    """Describe a member."""
    common: dict[str, Any] = {
        "target": member.target,
        "name": member.name,
        "kind": member.kind,
        "extension": member.provenance.extension,
        "file": member.provenance.file,
        "line": member.provenance.line,
        "override": member.override,
        "renamed_from": member.renamed_from,
        "deprecated": member.deprecated,
    }
    if isinstance(member, MethodSpec):
        return _method(member, common)
    return _computed(member, common) if isinstance(member, ComputedSpec) else _property(member, common)


def _method(member: MethodSpec, common: dict[str, Any]) -> Member:
    function = member.function
    scope = Scope(function)
    parameters: list[Parameter] | None = None
    returns: Annotation | None = None
    try:
        signature = inspect.signature(function)
    except ValueError:  # some builtins have no signature
        pass
    else:
        found = list(signature.parameters.values())
        takes_all = found[0].kind is inspect.Parameter.VAR_POSITIONAL
        own = None if takes_all else _type_variable(found[0].annotation, scope)
        parameters = [_described_parameter(each, scope, own) for each in (found if takes_all else found[1:])]
        if signature.return_annotation is not inspect.Signature.empty:
            returns = annotation(signature.return_annotation, scope, own)
    return Member(
        **common,
        doc=inspect.getdoc(function) or "",
        type=returns,
        is_async=member.is_async,
        parameters=parameters,
    )


def _type_variable(value: Any, scope: Scope) -> TypeVar | None:
    """Return the type variable that an annotation of `self` is, None where it is not one."""
    if isinstance(value, str):
        try:
            value = scope.evaluate(value)
        except Exception:  # an annotation is code, and may raise anything
            return None
    return value if isinstance(value, TypeVar) else None


def _described_parameter(parameter: inspect.Parameter, scope: Scope, own: TypeVar | None) -> Parameter:
    empty = inspect.Parameter.empty
    kind = None if parameter.annotation is empty else annotation(parameter.annotation, scope, own)
    default = None if parameter.default is empty else _value(parameter.default)
    return Parameter(parameter.name, _KINDS[parameter.kind], kind, default)


def _computed(member: ComputedSpec, common: dict[str, Any]) -> Member:
    found = member.returns
    kind = None if found is MISSING else annotation(found, Scope(member.function))
    return Member(**common, doc=inspect.getdoc(member.function) or "", type=kind, is_async=member.is_async)


def _property(member: PropertySpec, common: dict[str, Any]) -> Member:
    if member.default_factory is not None:
        default = f"{getattr(member.default_factory, '__name__', 'factory')}()"
    else:
        default = _value(member.default)
    if member.type is not None:
        kind = annotation(member.type, Scope())
    elif isinstance(member.default_factory, type):
        kind = annotation(member.default_factory, Scope())
    else:
        kind = inferred(None if member.default is MISSING else member.default)
    return Member(**common, doc="", type=kind, default=default)


def _value(value: Any) -> str:
    """Return the text of a default, without memory addresses."""
    try:
        text = repr(value)
    except Exception:  # a plugin's object
        text = f"<{type(value).__name__}>"
    return _ADDRESS.sub("", text)
