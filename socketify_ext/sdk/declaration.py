"""`@extension` and `Extension`: an extension function with its name, options, order and adjustments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from .. import errors
from .app_surface import AppSurface
from .provenance import Provenance, source_location
from .signature import SignatureSpec
from .spec import TARGETS, ExtensionSpec, MemberSpec, is_extension_name, validate
from .suggest import suggestion
from .surface import Recording, Surface

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from .spec import Requirement

Function = Callable[..., None]


@dataclass(frozen=True)
class Declaration:
    """The result of an extension function: its validated spec and its calls on the app."""

    spec: ExtensionSpec
    app: AppSurface


@dataclass(frozen=True)
class Extension:
    """An extension function with its options, order and adjustments; immutable, each change returns a new one.

    It is callable with the core's signature, so `app.register(extension)` takes it on any app.
    """

    function: Function
    name: str
    options_model: type[BaseModel] | None = None
    requires: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    tested_with: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # they may hold secrets
    distribution: str | None = None
    version: str | None = None
    required_by: str | None = None
    scope: str = ""
    renames: Mapping[str, str] = field(default_factory=dict)
    selection: tuple[str, ...] | None = None
    overrides: tuple[str, ...] = ()
    declared: bool = True
    loader: Callable[..., Extension] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        _ = self.signature

    @functools.cached_property
    def signature(self) -> SignatureSpec:
        """Return the signature of the function."""
        return validate(SignatureSpec, self.provenance, "has a wrong signature", {"function": self.function})

    @functools.cached_property
    def provenance(self) -> Provenance:
        """Return the provenance of the extension function."""
        file, line = source_location(self.function)
        return Provenance(self.name, file, line, self.distribution, self.version, self.required_by, self.scope)

    @property
    def summary(self) -> str:
        """Return the first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """Return `requires` as parsed names and specifiers."""
        return self._parsed("requires", self.requires)

    @property
    def tested_versions(self) -> tuple[Requirement, ...]:
        """Return `tested_with` as parsed names and specifiers."""
        return self._parsed("tested_with", self.tested_with)

    def _parsed(self, field: str, given: tuple[str, ...]) -> tuple[Requirement, ...]:
        if not given:
            return ()
        values = {"name": self.name, "provenance": self.provenance, field: given}
        found: tuple[Requirement, ...] = getattr(
            validate(ExtensionSpec, self.provenance, "is malformed", values), field
        )
        return found

    def configured(self, **options: Any) -> Extension:
        """Return the extension with options.

        Raises:
            OptionsError: an option is unknown, missing or invalid.
        """
        changed = replace(self, options={**self.options, **options})
        changed.validated_options()
        return changed

    def renamed(self, mapping: Mapping[str, str] | None = None, /, **names: str) -> Extension:
        """Return the extension with renamed members: `renamed(get_user="current_user")` or `renamed({"request.get_user": "current_user"})`."""
        return replace(self, renames={**self.renames, **(mapping or {}), **names})

    def only(self, *members: str) -> Extension:
        """Return the extension with the named members alone: `only("request.get_user")`, or bare names for any target."""
        return replace(self, selection=members)

    def overriding(self, *members: str) -> Extension:
        """Return the extension with named members that may replace others: `overriding("response.end")`."""
        return replace(self, overrides=(*self.overrides, *members))

    def validated_options(self) -> BaseModel | None:
        """Validate the options against the model.

        Returns:
            The model instance, or None for an extension without options.

        Raises:
            OptionsError: an option is unknown, missing or invalid.
        """
        if self.options_model is None:
            if self.options:
                raise self._options_error(
                    f"was given {', '.join(self.options)}", "it takes no options", "Load it without"
                )
            return None
        known = options_by_name(self.options_model)
        unknown = [name for name in self.options if name not in known]
        if unknown and self.options_model.model_config.get("extra") != "allow":
            hint = suggestion(unknown[0], known) or f"It takes {', '.join(known) or 'none'}"
            raise self._options_error(f"was given {', '.join(unknown)}", "it has no such option", hint)
        try:
            return self.options_model.model_validate(dict(self.options))
        except ValidationError as error:
            details = error.errors(include_input=False)
        # Raised here, without a context: pydantic's own error quotes the given values.
        problems = "; ".join(_problem(self.options_model, detail) for detail in details)
        missing = [
            str(detail["loc"][0]) for detail in details if detail["type"] == "missing" and len(detail["loc"]) == 1
        ]
        fix = f"See `socketify-ext show {self.name}`"
        raise self._options_error("was given invalid options", problems, fix, missing)

    def _options_error(self, what: str, why: str, fix: str, missing: Iterable[str] = ()) -> errors.OptionsError:
        return errors.OptionsError(
            f"extension {self.provenance}", what, why, fix, extension=self.name, missing=tuple(missing)
        )

    def declare(self, *, options: BaseModel | None = None, app: Any = None) -> Declaration:
        """Run the function on recording surfaces and validate what it declared.

        Args:
            options: used unchecked instead of the validated options, to describe the extension.
            app: the app behind the injected `app`; None if there is none yet.

        Raises:
            ExtensionError: the declaration is not valid, see `docs/errors.md`.
        """
        options = options or self.validated_options()
        recording = Recording()
        surfaces = [Surface(target, self.provenance, recording) for target in TARGETS]
        recorded = AppSurface(app, self.provenance)
        available: dict[str, Any] = {"options": options, "app": recorded}
        self._run(surfaces, {name: available[name] for name in self.signature.injected})
        recording.close()
        values = {
            "name": self.name,
            "provenance": self.provenance,
            "summary": self.summary,
            "members": tuple(self._adjusted(recording.members)),
            "requires": self.requires,
            "before": self.before,
            "after": self.after,
            "tested_with": self.tested_with,
            "identity": (self.function, options, dict(self.renames), self.selection, self.overrides),
        }
        return Declaration(validate(ExtensionSpec, self.provenance, "is malformed", values), recorded)

    def _run(self, surfaces: Sequence[Surface], injected: Mapping[str, Any]) -> None:
        """Run the function, which declares its members on the surfaces."""
        self.function(*surfaces, **injected)

    def _adjusted(self, members: Iterable[MemberSpec]) -> Iterable[MemberSpec]:
        """Apply `renamed`, `only` and `overriding`, by the declared names."""
        if self.selection is None and not self.renames and not self.overrides:
            return members
        return self._adjust(list(members))

    def _adjust(self, found: Sequence[MemberSpec]) -> Iterable[MemberSpec]:
        wanted = [*self.renames, *(self.selection or ()), *self.overrides]
        known = [f"{member.target}.{member.name}" for member in found]
        for pattern in wanted:
            if not any(_matches(pattern, member) for member in found):
                raise errors.MemberNameError(
                    f"extension {self.provenance}",
                    f"is to adjust {pattern}",
                    "it has no such member",
                    suggestion(pattern, known) or f"It has {', '.join(known) or 'none'}",
                )
        for member in found:
            if self.selection is not None and not any(_matches(pattern, member) for pattern in self.selection):
                continue
            changes: dict[str, Any] = {}
            for pattern, name in self.renames.items():
                if _matches(pattern, member):
                    changes |= {"name": name, "renamed_from": member.name}
            if any(_matches(pattern, member) for pattern in self.overrides):
                changes["override"] = True
            if not changes:
                yield member
                continue
            values = {name: getattr(member, name) for name in type(member).model_fields} | changes
            what = f"is to rename {member.target}.{member.name}"
            yield validate(type(member), self.provenance, what, values)

    def __call__(self, request: Any, response: Any, ws: Any) -> None:
        """Register on a stock app, whose `register` calls this with its three `AppExtension` objects."""
        from ..runtime.stock import register

        register(self, request, response, ws)


def _matches(pattern: str, member: MemberSpec) -> bool:
    return pattern in (member.name, f"{member.target}.{member.name}")


def options_by_name(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the options of a model by their names: aliases, and field names where the model allows them."""
    by_name = any(model.model_config.get(key) for key in ("populate_by_name", "validate_by_name"))
    options: dict[str, FieldInfo] = {}
    for name, info in model.model_fields.items():
        alias = info.validation_alias
        aliases = [each for each in getattr(alias, "choices", [alias]) if isinstance(each, str)]
        names = [name, *aliases] if by_name or alias is None else aliases
        options |= dict.fromkeys(names, info)
    return options


def _problem(model: type[BaseModel], detail: Any) -> str:
    where = ".".join(map(str, _shown([model], detail["loc"])))
    return f"{where}: {detail['msg']}" if where else str(detail["msg"])


def _shown(models: Sequence[type[BaseModel]], location: Sequence[Any]) -> Sequence[Any]:
    """Return the location of a problem, down to the first option that its model hides: keys inside may be secrets."""
    for depth, name in enumerate(location, 1):
        found = [info for model in models if (info := options_by_name(model).get(name)) is not None]
        if not all(info.repr for info in found):
            return location[:depth]
        if found:
            models = [inner for info in found for inner in models_in(info.annotation)]
    return location


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names."""
    if inspect.isclass(annotation) and not get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for each in get_args(annotation) for model in models_in(each)]


def extension(
    name: str,
    /,
    *,
    options: type[BaseModel] | None = None,
    requires: Iterable[str] = (),
    before: Iterable[str] = (),
    after: Iterable[str] = (),
    tested_with: Iterable[str] = (),
) -> Callable[[Function], Extension]:
    """Declare the function below as an extension, with a name, options and order.

    Args:
        name: the extension's name; for a plugin, also the name of its entry point.
        options: a pydantic model; the function gets a validated instance as its keyword-only `options`.
        requires: extensions that must be registered, as in `["auth>=1"]`; they come first.
        before: names of extensions that, if present, come later; "*" for all that don't say so themselves.
        after: names of extensions that, if present, come earlier; "*" for all that don't say so themselves.
        tested_with: the versions of socketify-ext, socketify and Python that it was tested with, as in
            `["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"]`; with others, `load` warns.

    Raises:
        SignatureError: the function is not `(request, response, ws)` with `options` and `app` as keywords.
        DeclarationError: the name, the options model, a requirement or a name in the order is malformed.
    """
    lists = {"requires": requires, "before": before, "after": after, "tested_with": tested_with}

    def declare(function: Function) -> Extension:
        provenance = Provenance(str(name), *source_location(function))
        for argument, given in lists.items():
            if isinstance(given, str):
                raise errors.DeclarationError(
                    f"extension {provenance}",
                    "is malformed",
                    f"{argument} is one text, not a list",
                    f'Write {argument}=["{given}"]',
                )
        if options is not None and not (inspect.isclass(options) and issubclass(options, BaseModel)):
            raise errors.DeclarationError(
                f"extension {provenance}",
                "is malformed",
                f"options={options!r} is not a pydantic model",
                "Pass a subclass of pydantic.BaseModel",
            )
        made = Extension(function, name, options, tuple(requires), tuple(before), tuple(after), tuple(tested_with))
        values = {
            "name": name,
            "provenance": made.provenance,
            "requires": made.requires,
            "before": made.before,
            "after": made.after,
            "tested_with": made.tested_with,
        }
        validate(ExtensionSpec, made.provenance, "is malformed", values)
        return made

    if isinstance(name, str):
        return declare
    raise errors.DeclarationError(
        "@socketify_ext.extension",
        "was used without a name",
        "it is a decorator only once it has a name",
        'Write @socketify_ext.extension("name")',
    )


def as_extension(value: Any) -> Extension:
    """Return an `Extension` as it is, and a bare core-style function as an extension.

    Raises:
        SignatureError: `value` is neither.
    """
    if isinstance(value, Extension):
        return value
    if isinstance(value, str):
        raise _not_an_extension(repr(value), "it is a name", f'Load it by that name: socketify_ext.load("{value}")')
    if inspect.ismodule(value):
        own = [f"{value.__name__}.{name}" for name, each in vars(value).items() if isinstance(each, Extension)]
        fix = f"Pass what is in it: {' or '.join(own)}" if own else "Pass the extension function"
        raise _not_an_extension(f"module {value.__name__}", "it is a module", fix)
    return Extension(value, bare_name(getattr(value, "__name__", type(value).__name__)), declared=False)


def _not_an_extension(who: str, why: str, fix: str) -> errors.SignatureError:
    return errors.SignatureError(who, "is not an extension", why, fix)


def bare_name(function_name: str) -> str:
    """Return the extension name of a bare function: its own, so that errors show what its author wrote."""
    name = str(function_name).strip("<>_")
    return name if is_extension_name(name) else "extension"


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name, or the first of `name~2`, `name~3`, ... that is not taken."""
    free, number = name, 1
    while is_taken(free):
        number += 1
        free = f"{name}~{number}"
    return free
