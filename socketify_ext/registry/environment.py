"""Options from the environment: `SOCKETIFY_EXT_AUTH__JWT__KEY` is the option `jwt["key"]` of `auth`."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from .. import errors

if TYPE_CHECKING:
    from pydantic import BaseModel


def options_in(environment: Mapping[str, str], name: str, model: type[BaseModel] | None, who: object) -> dict[str, Any]:
    """Read the options that the environment holds for an extension; pydantic-settings parses them.

    Args:
        environment: the variables by name.
        name: the extension's name, which the variables begin with.
        model: its options model; without one there are no options.
        who: the provenance that errors show.

    Raises:
        OptionsError: a variable names no option, or a value that should be JSON is not.
        MissingExtraError: there are some, and pydantic-settings is not installed.
    """
    prefix = variable_prefix(name)
    given = {name.upper(): value for name, value in environment.items() if name.upper().startswith(prefix)}
    if not given or model is None:
        return {}
    source = _source(model, prefix, who)
    source.env_vars = {name.lower(): value for name, value in given.items()}
    known = {name.upper() for name in model.model_fields}
    for variable in given:
        if variable.removeprefix(prefix).partition("__")[0] not in known:
            expected = ", ".join(sorted(prefix + option for option in known)) or "none"
            raise errors.OptionsError(
                f"extension {who}",
                f"was given {_without_keys(variable, prefix)}",
                "it has no such option",
                f"It reads {expected}",
            )
    from pydantic_settings import SettingsError

    try:
        return source()  # type: ignore[no-any-return]
    except SettingsError as error:
        raise errors.OptionsError(
            f"extension {who}",
            f"was given {', '.join(sorted({_without_keys(name, prefix) for name in given}))}",
            str(error),
            "Write lists and mappings as JSON",
        ) from None


def _takes_text(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return any(map(_takes_text, get_args(annotation)))
    return annotation is str


def variable_prefix(name: str) -> str:
    """Return the prefix of the variables of an extension."""
    return f"SOCKETIFY_EXT_{name.upper().replace('-', '_')}__"


def _without_keys(name: str, prefix: str) -> str:
    """Return a variable's name up to the option: keys inside one, as in AUTH__TOKENS__<token>, may be secrets."""
    return prefix + name.removeprefix(prefix).partition("__")[0]


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two sets of options, mapping by mapping; the upper one wins."""
    both = dict(lower)
    for name, value in upper.items():
        below = both.get(name)
        both[name] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return both


def _source(model: type[BaseModel], prefix: str, who: object) -> Any:
    reader = f"extension {who}, which has options in the environment ({prefix}*),"
    errors.require_extra("pydantic_settings", "env", reader)
    from pydantic_settings import EnvSettingsSource

    class Source(EnvSettingsSource):
        def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
            """Keep text where the option takes text: a secret of digits stays text."""
            if _takes_text(getattr(field, "annotation", None)) and not value.lstrip().startswith(("[", "{", '"')):
                return value
            return super().decode_complex_value(field_name, field, value)

    settings: Any = model  # typed as a BaseSettings, though it reads the fields of any model
    return Source(settings, case_sensitive=False, env_prefix=prefix, env_nested_delimiter="__")
