"""The frozen, validated description of an extension: the single validation gate.

Every later step takes these objects as they are and never checks them again.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import functools
import inspect
import keyword
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    InstanceOf,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .. import errors
from .provenance import Provenance
from .pydantic_plugins import load_pydantic_plugins

Target = Literal["request", "response", "ws"]
TARGETS: Final[tuple[Target, ...]] = ("request", "response", "ws")
MISSING: Final[Any] = inspect.Parameter.empty
TESTED_PARTS: Final = ("socketify-ext", "socketify", "python")  # what `tested_with` may name

EVERY: Final = "*"
"""In `before` and `after`: all other extensions that don't say so themselves."""

_NAME = re.compile(r"[^\W_](?:[\w.~-]*[^\W_])?")


class FrozenModel(BaseModel):
    """A model that is validated once and never changes."""

    # Models are built on first use, so that an import of the package builds none.
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)


def spec_error(error: type[errors.ExtensionError], why: str, fix: str) -> PydanticCustomError:
    """Return the error that a validator raises; `validate` turns it into the catalogue's class."""
    return PydanticCustomError(error.__name__, "{why}", {"why": why, "fix": fix})


def _extension_name(name: Any) -> Any:
    if not isinstance(name, str) or not is_extension_name(name):
        raise spec_error(
            errors.DeclarationError,
            f"{name!r} is not an extension name",
            "Use letters and digits, with '.', '_', '-' or '~' between them",
        )
    return name


def is_extension_name(name: str) -> bool:
    """Whether an extension may have this name."""
    return _NAME.fullmatch(name) is not None


def _name_in_order(name: Any) -> Any:
    return name if isinstance(name, str) and name == EVERY else _extension_name(name)


def _member_name(name: Any) -> Any:
    if not isinstance(name, str) or not name.isidentifier():
        why = f"{name!r} is not an identifier"
    elif keyword.iskeyword(name):
        why = f"{name!r} is a Python keyword"
    elif name.startswith("_"):
        why = f"{name!r} is not public"
    else:
        return name
    raise spec_error(
        errors.MemberNameError,
        why,
        'Give a public name, as in "get_user"; for a lambda or a builtin, with name="get_user"',
    )


ExtensionName = Annotated[str, BeforeValidator(_extension_name)]
NameInOrder = Annotated[str, BeforeValidator(_name_in_order)]
MemberName = Annotated[str, BeforeValidator(_member_name)]


class Requirement(FrozenModel):
    """The name of a required extension, with the accepted versions of its distribution."""

    name: ExtensionName
    specifier: str = ""

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"

    def accepts(self, version: str | None) -> bool:
        """Whether `version` fits; an extension without a version fits only a bare name."""
        if not self.specifier:
            return True
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version

        try:
            parsed = Version(version or "")
        except InvalidVersion:
            return False
        return SpecifierSet(self.specifier).contains(parsed, prereleases=True)


def _requirement(text: Any) -> Any:
    if isinstance(text, Requirement):
        return text
    from packaging import requirements

    try:
        parsed = requirements.Requirement(text)
    except (requirements.InvalidRequirement, TypeError) as error:
        first = str(error).splitlines()[0]
        raise spec_error(
            errors.DeclarationError, f"{text!r} is not a requirement ({first})", 'Write it as in "auth>=1,<2"'
        ) from None
    if parsed.url or parsed.extras or parsed.marker:
        raise spec_error(
            errors.DeclarationError,
            f"{text!r} has more than a name and a version",
            'Write it as in "auth>=1,<2"',
        )
    return Requirement(name=parsed.name, specifier=str(parsed.specifier))


def _tested_version(text: Any) -> Any:
    """Read a statement of `tested_with`, as in "python>=3.10,<3.15"."""
    stated = _requirement(text)
    if stated.name not in TESTED_PARTS or not stated.specifier:
        raise spec_error(
            errors.DeclarationError,
            f"tested_with has {str(stated)!r}",
            f'Name {", ".join(TESTED_PARTS)} with the versions that were tested, as in "python>=3.10,<3.15"',
        )
    return stated


def _deprecation(text: Any) -> Any:
    if text is None or (isinstance(text, str) and text.strip()):
        return text
    raise spec_error(
        errors.DeclarationError,
        f"deprecated={text!r} tells callers nothing",
        'Tell what to use instead, as in deprecated="use get_user; gone in 2.0"',
    )


Deprecation = Annotated[str | None, BeforeValidator(_deprecation)]


def _function(function: Any) -> Any:
    if isinstance(function, (staticmethod, classmethod)) or not callable(function):
        kind = type(function).__name__
        raise spec_error(errors.SignatureError, f"a {kind} is not a method", "Write it as def method(self, ...)")
    if not inspect.isfunction(function) and not inspect.isbuiltin(function):
        kind = type(function).__name__
        raise spec_error(
            errors.SignatureError,
            f"a {kind} object is not a function",
            "Wrap it: def method(self, ...): return it(...)",
        )
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # some builtins have no signature
        return function
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    ):
        name = function.__name__ if function.__name__.isidentifier() else "method"
        raise spec_error(errors.SignatureError, "it takes no self", f"Write it as def {name}(self, ...)")
    return function


class MethodSpec(FrozenModel):
    """One method: a function that takes the request, response or socket as `self`.

    `example` shows a call, which `socketify-ext check` makes.
    """

    kind: Literal["method"] = "method"
    target: Target
    function: Annotated[Callable[..., Any], BeforeValidator(_function)]
    name: MemberName
    provenance: InstanceOf[Provenance]
    override: bool = False
    renamed_from: str | None = None
    example: str | None = None
    deprecated: Deprecation = None

    @property
    def signature(self) -> str:
        """Return the parameters after `self`, as in `(value, status=200)`."""
        try:
            signature = inspect.signature(self.function, eval_str=True)
        except Exception:  # annotations may use names that only a type checker sees
            try:
                signature = inspect.signature(self.function)
            except ValueError:  # some builtins have no signature
                return "(...)"
        first, *others = signature.parameters.values()
        takes_all = first.kind is inspect.Parameter.VAR_POSITIONAL
        return str(signature.replace(parameters=[first, *others] if takes_all else others))

    @property
    def is_async(self) -> bool:
        """Whether callers must await it."""
        return inspect.iscoroutinefunction(self.function)

    @property
    def doc(self) -> str:
        """Return the first line of the docstring, or an empty text."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


# Shared by all objects, since they can't be changed. Functions are left out: as class attributes they would bind.
_IMMUTABLE: Final = frozenset((type(None), bool, int, float, complex, str, bytes, range, type(Ellipsis)))


def is_immutable(value: Any) -> bool:
    """Whether `value` may be one class attribute for all objects (exact types only)."""
    if type(value) in _IMMUTABLE:
        return True
    if isinstance(value, (tuple, frozenset)) and type(value) in (tuple, frozenset):
        return all(map(is_immutable, value))
    import datetime
    import decimal
    import enum
    import uuid

    stateless = (datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
    return isinstance(value, enum.Enum) or type(value) in stateless


def _factory(factory: Any) -> Any:
    if factory is None:
        return None
    why = None
    if not callable(factory):
        why = f"its default_factory, a {type(factory).__name__}, can't be called"
    elif inspect.iscoroutinefunction(factory):
        why = "its default_factory is a coroutine function, which an attribute can't await"
    else:
        try:
            inspect.signature(factory).bind()
        except TypeError:
            why = "its default_factory needs arguments, and gets none"
        except ValueError:  # some builtins have no signature
            pass
    if why is not None:
        raise spec_error(errors.PropertyError, why, "Use a function without arguments, as in default_factory=list")
    return factory


class PropertySpec(FrozenModel):
    """One property: an attribute with a default that no two objects share, unless it is immutable.

    `default` is `MISSING` where a factory is given. `type` is the declared annotation, or None.
    """

    kind: Literal["property"] = "property"
    target: Target
    name: MemberName
    default: Any = MISSING
    default_factory: Annotated[Callable[[], Any] | None, BeforeValidator(_factory)] = None
    type: Any = None
    provenance: InstanceOf[Provenance]
    override: bool = False
    renamed_from: str | None = None
    deprecated: Deprecation = None

    @property
    def signature(self) -> str:
        """Return the annotation and the default, as in `: list[str] = list()`."""
        annotation = "" if self.type is None else f": {inspect.formatannotation(self.type)}"
        if self.default_factory is not None:
            return f"{annotation} = {getattr(self.default_factory, '__name__', 'factory')}()"
        return f"{annotation} = {self.default!r}"

    @model_validator(mode="after")
    def _fits(self) -> PropertySpec:
        if self.default_factory is not None and self.default is not MISSING:
            raise spec_error(errors.PropertyError, "it has a default and a default_factory", "Use one of the two")
        if self.type is not None:
            self._check_type()
        if self.default_factory is None and not is_immutable(self.default):
            try:
                copy.deepcopy(self.default)
            except Exception as error:
                kind = builtins.type(self.default).__name__
                raise spec_error(
                    errors.PropertyError,
                    f"its default, a {kind}, can't be copied for each object ({error})",
                    "Use default_factory=lambda: value to share one on purpose",
                ) from None
        return self

    def _check_type(self) -> None:
        try:
            adapter = _adapter(self.type)
            if self.default_factory is None:
                adapter.validate_python(self.default, strict=True)
        except ValidationError as error:
            wanted = inspect.formatannotation(self.type)
            given = "None" if self.default is None else builtins.type(self.default).__name__
            raise spec_error(
                errors.PropertyError,
                f"its default {self.default!r} is not of type {wanted} ({error.errors()[0]['msg']})",
                f"Change the default, or declare type={wanted} | {given}",
            ) from None
        except Exception as error:  # validating a value of any class may raise anything
            raise _not_an_annotation(self.type, error) from None


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        adapter = TypeAdapter(annotation)
    except PydanticUserError:  # any class: pydantic knows none of its fields, and checks isinstance
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    if not adapter.pydantic_complete:  # it has a name that pydantic has not found
        adapter.rebuild()
    return adapter


def _not_an_annotation(given: Any, error: Exception) -> PydanticCustomError:
    return spec_error(
        errors.PropertyError,
        f"type={given!r} is not an annotation ({type(error).__name__})",
        "Use a class or an annotation, as in type=list[str]",
    )


def _computing_function(function: Any) -> Any:
    kind = type(function).__name__
    fix = "Write it as def name(self)"
    if not inspect.isfunction(function) and not inspect.isbuiltin(function):
        why = f"a {kind} is not a function that computes a property"
    elif inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        why, fix = "it is a generator function, and what it yields could be read only once", "Return a list"
    else:
        try:
            inspect.signature(function).bind(function)
        except TypeError:
            why = f"it is called with self alone, and takes {inspect.signature(function)}"
        except ValueError:  # some builtins have no signature
            return function
        else:
            return function
    raise spec_error(errors.SignatureError, why, fix)


def _annotation(annotation: Any) -> Any:
    if annotation is not None:
        try:
            _adapter(annotation)
        except Exception as error:  # evaluating an annotation may raise anything
            raise _not_an_annotation(annotation, error) from None
    return annotation


class ComputedSpec(FrozenModel):
    """One computed property: a function that makes its value from the request, response or socket on first access.

    `type` is the declared annotation of the value, or None, where it is the function's return annotation.
    """

    kind: Literal["computed"] = "computed"
    target: Target
    function: Annotated[Callable[..., Any], BeforeValidator(_computing_function)]
    name: MemberName
    type: Annotated[Any, BeforeValidator(_annotation)] = None
    provenance: InstanceOf[Provenance]
    override: bool = False
    renamed_from: str | None = None
    deprecated: Deprecation = None

    @property
    def is_async(self) -> bool:
        """Whether readers must await the value."""
        return inspect.iscoroutinefunction(self.function)

    @property
    def returns(self) -> Any:
        """Return the annotation of the value, as text where it is written so; `MISSING` where there is none."""
        if self.type is not None:
            return self.type
        try:
            return inspect.signature(self.function).return_annotation
        except ValueError:  # some builtins have no signature
            return MISSING

    @property
    def signature(self) -> str:
        """Return the annotation, as in `: User | None`, and `: Awaitable[User | None]` of an async one."""
        found = self.returns
        if isinstance(found, str):
            with contextlib.suppress(Exception):  # it may use names that only a type checker sees
                found = inspect.signature(self.function, eval_str=True).return_annotation
        shown = "Any" if found is MISSING else found if isinstance(found, str) else inspect.formatannotation(found)
        if self.is_async:
            return f": Awaitable[{shown}]"
        return "" if found is MISSING else f": {shown}"

    @property
    def doc(self) -> str:
        """Return the first line of the docstring, or an empty text."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


MemberSpec = MethodSpec | PropertySpec | ComputedSpec


def _unique(members: tuple[MemberSpec, ...]) -> tuple[MemberSpec, ...]:
    seen: dict[tuple[str, str], MemberSpec] = {}
    for member in members:
        earlier = seen.setdefault((member.target, member.name), member)
        if earlier is not member:
            raise spec_error(
                errors.MemberNameError,
                f"it adds {member.target}.{member.name} twice ({earlier.provenance.location} and "
                f"{member.provenance.location})",
                "Give one of them another name",
            )
    return members


class ExtensionSpec(FrozenModel):
    """An extension and all its members.

    Two registrations with the same `identity` are one: the function, options and adjustments.
    """

    name: ExtensionName
    provenance: InstanceOf[Provenance]
    summary: str = ""
    # Validated already when they were made.
    members: Annotated[
        tuple[InstanceOf[MethodSpec] | InstanceOf[PropertySpec] | InstanceOf[ComputedSpec], ...],
        AfterValidator(_unique),
    ] = ()
    requires: tuple[Annotated[Requirement, BeforeValidator(_requirement)], ...] = ()
    before: tuple[NameInOrder, ...] = ()
    after: tuple[NameInOrder, ...] = ()
    tested_with: tuple[Annotated[Requirement, BeforeValidator(_tested_version)], ...] = ()
    identity: tuple[Any, ...] = ()

    @model_validator(mode="after")
    def _has_one_place(self) -> ExtensionSpec:
        if EVERY in self.before and EVERY in self.after:
            why = "it is to be before all others and after all others"
            raise spec_error(errors.DeclarationError, why, 'Write "*" in one of before and after')
        return self

    @functools.cached_property
    def by_name(self) -> dict[tuple[Target, str], MemberSpec]:
        """Return the members by target and name."""
        return {(member.target, member.name): member for member in self.members}

    @property
    def options(self) -> BaseModel | None:
        """Return the validated options, None where the extension takes none; they may hold secrets."""
        return next((each for each in self.identity if isinstance(each, BaseModel)), None)

    @property
    def version(self) -> str | None:
        """Return the version of the distribution that provides the extension."""
        return self.provenance.version

    @property
    def scope(self) -> str:
        """Return the prefix of the scope that the extension is registered in, "" for the app itself."""
        return self.provenance.scope


Model = TypeVar("Model", bound=FrozenModel)


def validate(model: type[Model], provenance: Provenance, what: str, values: Mapping[str, Any]) -> Model:
    """Build `model` from `values`, or raise the catalogue's error for the first problem.

    `provenance` and `what` open the message, as in "extension 'jwt' (jwt.py:14) adds request.get_user".
    """
    load_pydantic_plugins()
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        kind = getattr(errors, first["type"], errors.DeclarationError)
        context = first.get("ctx", {})
        where = ".".join(str(part) for part in first["loc"])
        why = context.get("why", f"{where}: {first['msg']}")
        raise kind(f"extension {provenance}", what, why, context.get("fix", "")) from None
