"""Extensions without the options that they require: described as far as that goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from socketify_ext.errors import ExtensionError, OptionsError
from socketify_ext.registry.environment import merged, variable_prefix
from socketify_ext.registry.registry import Registry
from socketify_ext.sdk.declaration import Extension

from .frames import location_of_error
from .stand_in import completed, plain_stand_ins

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Unconfigured(Extension):
    """An extension that lacks options: stand-ins take their place, and where it stops with those, its members so far count.

    Attributes:
        missing: the names of the options that must be given; none where it is several together that are wrong.
        because: what is wrong with the options.
        stops: why and where it stopped, at most one text.
    """

    missing: tuple[str, ...] = ()
    because: str = ""
    stops: list[str] = field(default_factory=list)

    def validated_options(self) -> BaseModel | None:
        """Return the options with stand-ins for those that are missing."""
        return None if self.options_model is None else completed(self.options_model, self.options)

    def _run(self, surfaces: Any, injected: Mapping[str, Any]) -> None:
        try:
            super()._run(surfaces, injected)
        except Exception as error:  # a plugin's function may raise anything
            self.stops[:] = [_told(error)]

    def advice(self, target: str | None) -> str:
        """Return how the options are given on the command line; `target` is the name of the extension that is the target."""
        if not self.missing:
            return f"give its options with --option {_own_path(self.name, target)}NAME=VALUE ({self.because})"
        name = self.missing[0]
        variable = f"{variable_prefix(self.name)}{name.upper()}"
        return f"give --option {_own_path(self.name, target)}{name}=VALUE, or set {variable}"

    def problem(self, target: str | None) -> str:
        """Return what a description of the extension lacks, and what helps."""
        lacks = f"without {', '.join(self.missing)}" if self.missing else "without its options"
        stops = f", and stops: {self.stops[0]}" if self.stops else "; members that depend on it may differ"
        return f"extension '{self.name}' is looked at {lacks}{stops}; {self.advice(target)}"


class LenientRegistry(Registry):
    """A registry that loads extensions without their required options, to describe them.

    Attributes:
        unconfigured: those that it has loaded so, by name.
        required: all that it has loaded, by name, in order.
    """

    def __init__(self, *, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment=environment)
        self.unconfigured: dict[str, Unconfigured] = {}
        self.required: dict[str, Extension] = {}

    def load(self, name: str, /, **options: Any) -> Extension:
        """Load an extension, with stand-ins for the options that it lacks."""
        found = self.find(name)
        made = self.required[name] = self.describable(found, merged(self.outside_options(found), options))
        return made

    def given_or_stand_ins(self, name: str) -> dict[str, Any] | None:
        """Return the options of an extension that it has loaded, with plain stand-ins for those that are missing.

        Returns:
            None where no stand-ins that could be written down satisfy the extension, once it was registered.
        """
        made = self.required[name]
        if made.options_model is None or not isinstance(made, Unconfigured):
            return dict(made.options)
        if made.stops:
            return None
        values = {**dict(made.options), **plain_stand_ins(made.options_model, made.missing)}
        try:
            made.options_model.model_validate(values)
        except Exception:  # a validator of a plugin may raise anything
            return None
        return values

    def describable(self, extension: Extension, options: Mapping[str, Any]) -> Extension:
        """Return an extension with further options, and stand-ins for those that it lacks.

        Raises:
            OptionsError: an option is unknown, or its value is wrong.
        """
        made = describable(extension, options)
        if isinstance(made, Unconfigured):
            self.unconfigured[made.name] = made
        return made


def describable(extension: Extension, options: Mapping[str, Any] | None = None) -> Extension:
    """Return an extension with further options; where it lacks some, an `Unconfigured`.

    Raises:
        OptionsError: an option is unknown, or its value is wrong.
    """
    try:
        return extension.configured(**(options or {}))
    except OptionsError:
        given = {**extension.options, **(options or {})}
        missing = _missing(extension, given)
        if missing is None:
            raise
    parts = {each.name: getattr(extension, each.name) for each in fields(Extension)}
    names, because = missing
    return Unconfigured(**{**parts, "options": given}, missing=names, because=because)


def _missing(extension: Extension, given: Mapping[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """Return the options that are not given and what is wrong without them; None where a given one is wrong."""
    from socketify_ext.sdk.declaration import options_by_name

    model = extension.options_model
    if model is None or not set(given) <= set(options_by_name(model)):
        return None
    try:
        model.model_validate(dict(given))
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
    else:
        return None
    if any(detail["loc"] and detail["loc"][0] in given for detail in details):
        return None
    names = tuple(str(detail["loc"][0]) for detail in details if len(detail["loc"]) == 1)
    return names, "; ".join(str(detail["msg"]) for detail in details)


def _own_path(name: str, target: str | None) -> str:
    return "" if name == target else f"{name}."


def _told(error: Exception) -> str:
    text = str(error) if isinstance(error, ExtensionError) else f"{type(error).__name__}: {error}"
    location = location_of_error(error)
    return " ".join(text.split()) + (f" ({location})" if location else "")
