"""Options that a command was given for the extensions it looks at, as texts; they count as the environment does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ConfigDict, PydanticUserError, TypeAdapter

from socketify_ext.errors import ExtensionError, MissingRequirementError, OptionsError, TargetError
from socketify_ext.registry.environment import merged
from socketify_ext.registry.registry import Registry
from socketify_ext.sdk.declaration import Extension, options_by_name
from socketify_ext.sdk.resolution import NOT_REGISTERED
from socketify_ext.sdk.suggest import suggestion

Texts = Mapping[str, Mapping[str, str]]
_OWN: Final = ""


class GivenOptions:
    """Options by extension and name, those of the target itself under ""; it notes which of them are used."""

    def __init__(self, texts: Texts) -> None:
        self._texts = {name: given for name, given in texts.items() if given}
        self._target: Extension | None = None
        self._loaded: set[str] = set()

    def belong_to(self, target: Extension) -> None:
        """Give the options without an extension's name to the extension that is the target."""
        self._target = target

    def of(self, extension: Extension) -> dict[str, Any]:
        """Return the options of an extension."""
        self._loaded.add(extension.name)
        own = self._texts.get(_OWN, {}) if self._target is not None and extension.name == self._target.name else {}
        texts = {**self._texts.get(extension.name, {}), **own}
        if not texts:
            return {}
        known = {} if extension.options_model is None else options_by_name(extension.options_model)
        return {
            name: option_value(text, known[name].annotation if name in known else Any) for name, text in texts.items()
        }

    @contextlib.contextmanager
    def in_effect(self) -> Iterator[None]:
        """Let all registries of this process load extensions with these options, over those of the environment."""
        own = Registry.outside_options

        def options_of(registry: Registry, extension: Extension) -> dict[str, Any]:
            return merged(own(registry, extension), self.of(extension))

        Registry.outside_options = options_of  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Registry.outside_options = own  # type: ignore[method-assign]

    def check_used(self, target: str) -> None:
        """Check that there is no option that nothing was loaded with.

        Raises:
            TargetError: there is one.
        """
        for extension, texts in self._texts.items():
            name = next(iter(texts))
            if extension == _OWN and self._target is None:
                loaded = f" Loaded are: {', '.join(sorted(self._loaded))}" if self._loaded else ""
                raise _unused(target, name, "it is an app", f"Write --option EXTENSION.{name}=VALUE.{loaded}")
            if extension != _OWN and extension not in self._loaded:
                why = f"it loads no extension '{extension}'"
                raise _unused(target, f"{extension}.{name}", why, self._meant(extension, name))

    def advised(self, error: ExtensionError, target: str, extension: Extension | None) -> ExtensionError:
        """Return an error of options that are missing, or of a requirement, with a fix for the command line.

        Args:
            error: any.
            target: what was looked at.
            extension: the one that the target is; None for an app.
        """
        options = error if isinstance(error, OptionsError) else error.__cause__
        fix = error.fix
        if isinstance(options, OptionsError) and (options.missing or (options is not error and options.extension)):
            own = extension is not None and extension.name == options.extension
            name = f"{'' if own else f'{options.extension}.'}{options.missing[0] if options.missing else 'NAME'}"
            given = f"--option {name}=VALUE"
            fix = f"{fix}; or give them here: {given}" if extension is None else f"Give its options here: {given}"
        elif extension is not None and isinstance(error, MissingRequirementError) and error.why == NOT_REGISTERED:
            fix = f"{fix}; or name an app that registers it in place of {target}, as in main:app"
        if fix == error.fix:
            return error
        parts = {key: value for key, value in vars(error).items() if key not in ("who", "what", "why", "fix")}
        return type(error)(error.who, error.what, error.why, fix, **parts)

    def _meant(self, extension: str, name: str) -> str:
        model = None if self._target is None else self._target.options_model
        if model is not None and extension in options_by_name(model):
            return f"""Write the whole option as JSON: --option '{extension}={{"{name}": ...}}'"""
        close = suggestion(extension, self._loaded)
        return close or f"Options go to what is loaded by its name: {', '.join(sorted(self._loaded)) or 'nothing'}"


def _unused(target: str, option: str, why: str, fix: str) -> TargetError:
    return TargetError(f"target {target!r}", f"was given the option {option}", why, fix, target=target)


def option_value(text: str, annotation: Any) -> Any:
    """Return the value of an option that is given as text: JSON where the option takes it, else the text.

    A number, `true` or `false` stays text where the option takes text, so that a secret of digits is one.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if annotation is Any:
        return value
    if value is None or isinstance(value, (int, float)):
        is_text = value is not None and _takes(annotation, text, strict=True)
        return value if not is_text and _takes(annotation, value) else text
    return value if _takes(annotation, value) or not _takes(annotation, text) else text


def _takes(annotation: Any, value: Any, *, strict: bool = False) -> bool:
    """Whether an annotation takes a value; the validators of the option are not asked."""
    try:
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        except PydanticUserError:  # any class: pydantic knows none of its fields, and checks isinstance
            adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
        adapter.validate_python(value, strict=strict)
    except Exception:  # an annotation is a plugin's, and so may be its validation
        return False
    return True
