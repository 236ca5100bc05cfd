"""Options from the environment: `SOCKETIFY_EXT_AUTH__JWT__KEY` is the option `jwt["key"]` of `auth`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from .. import errors
from ..sdk.caller import outside_level
from ..sdk.suggest import suggestion

if TYPE_CHECKING:
    from pydantic import BaseModel

_ALL = "SOCKETIFY_EXT_"


def options_in(
    environment: Mapping[str, str],
    name: str,
    model: type[BaseModel] | None,
    who: object,
    others: Iterable[str] = (),
) -> dict[str, Any]:
    """Read the options that the environment holds for an extension; pydantic-settings parses them.

    Names of options are found in any case, keys of mappings are taken as they are written.

    Args:
        environment: the variables by name.
        name: the extension's name, which the variables begin with.
        model: its options model; without one there are no options.
        who: the provenance that errors show.
        others: names of other extensions, whose variables are none of this one's.

    Raises:
        OptionsError: a variable names no option, or a value that should be JSON is not.
        MissingExtraError: there are some, and pydantic-settings is not installed.
    """
    prefix = variable_prefix(name)
    ours = {variable: value for variable, value in environment.items() if variable.upper().startswith(_ALL)}
    given = {variable[len(prefix) :]: value for variable, value in ours.items() if variable.upper().startswith(prefix)}
    fields = _fields(model) if model is not None else {}
    foreign = tuple(variable_prefix(other) for other in others if other != name)
    for variable in ours:
        if not variable.upper().startswith((prefix, *foreign)):
            _warn_of_single_underscore(variable, prefix, fields, who)
    for path in given:
        if _same(path.partition("__")[0], fields) is None:
            raise _unknown(path, prefix, fields, who)
    return _parsed(given, prefix, model, who) if given and model is not None else {}


def variable_prefix(name: str) -> str:
    """Return the prefix of the variables of an extension."""
    return f"{_ALL}{re.sub('[^A-Z0-9]', '_', name.upper())}__"


def merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two sets of options, mapping by mapping; the upper one wins."""
    both = dict(lower)
    for name, value in upper.items():
        below = both.get(name)
        both[name] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return both


def _parsed(given: Mapping[str, str], prefix: str, model: type[BaseModel], who: object) -> dict[str, Any]:
    source = _source(model, prefix, who)
    source.env_vars = {"__".join(_named(path.split("__"), [model])): value for path, value in given.items()}
    from pydantic_settings import SettingsError

    try:
        return source()  # type: ignore[no-any-return]
    except SettingsError as error:
        raise errors.OptionsError(
            f"extension {who}",
            f"was given {', '.join(sorted({_without_keys(path, prefix) for path in given}))}",
            str(error),
            "Write lists and mappings as JSON",
        ) from None


def _named(path: list[str], kinds: list[Any]) -> list[str]:
    """Return a path with the names of options as their models write them; what is not one is a key, left as it is."""
    named = []
    for part in path:
        found = [(name, kind) for each in kinds for name, kind in _fields(each).items() if name.lower() == part.lower()]
        named.append(found[0][0] if found else part)
        values = [get_args(each)[-1] for each in kinds if _is_mapping(each) and get_args(each)]
        kinds = _kinds(found[0][1]) if found else [kind for value in values for kind in _kinds(value)]
    return named


def _fields(kind: Any) -> dict[str, Any]:
    """Return the annotations of a model, a dataclass or a typed dictionary by the names that its input has."""
    if not isinstance(kind, type):
        return {}
    if hasattr(kind, "model_fields"):
        from ..sdk.declaration import options_by_name

        return {name: field.annotation for name, field in options_by_name(kind).items()}
    if is_dataclass(kind) or hasattr(kind, "__total__"):  # the latter of typing's and of typing_extensions' TypedDict
        try:
            return get_type_hints(kind)
        except Exception:  # annotations are code, and may raise anything
            return dict.fromkeys(getattr(kind, "__annotations__", ()), Any)
    return {}


def _kinds(annotation: Any) -> list[Any]:
    """Return the types that an annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [kind for each in get_args(annotation) for kind in _kinds(each)]
    return [annotation]


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _same(name: str, fields: Iterable[str]) -> str | None:
    return next((each for each in fields if each.lower() == name.lower()), None)


def _unknown(path: str, prefix: str, fields: Mapping[str, Any], who: object) -> errors.OptionsError:
    known = [f"{prefix}{option.upper()}" for option in fields]
    given = _without_keys(path, prefix)
    guess = _guess(path, fields)
    close = f"Did you mean {prefix}{guess}?" if guess else suggestion(given, known)
    everything = (
        f"It reads {', '.join(sorted(known))}" if known else "Remove the variable: the extension takes no options"
    )
    return errors.OptionsError(f"extension {who}", f"was given {given}", "it has no such option", close or everything)


def _warn_of_single_underscore(variable: str, prefix: str, fields: Mapping[str, Any], who: object) -> None:
    begin = prefix.removesuffix("_")  # SOCKETIFY_EXT_AUTH_
    if not variable.upper().startswith(begin):
        return
    guess = _guess(variable[len(begin) :], fields)
    if guess:
        option = guess.removesuffix("...")
        shown = variable if option == guess else f"{variable[: len(begin) + len(option) - 2]}..."
        warnings.warn(
            f"{shown} is not read: two underscores stand before the option of extension {who}. Write {prefix}{guess}",
            UserWarning,
            stacklevel=outside_level(),
        )


def _guess(text: str, fields: Mapping[str, Any]) -> str:
    """Return the path that is meant where underscores are missing, "" if there is none; keys are left out as secrets."""
    for name in sorted(fields, key=len, reverse=True):
        upper = name.upper()
        if text.upper() == upper:
            return upper
        if not text.upper().startswith(f"{upper}_"):
            continue
        rest = text[len(upper) :].removeprefix("_").removeprefix("_")
        kinds = _kinds(fields[name])
        inner = next(filter(None, (_guess(rest, _fields(kind)) for kind in kinds)), "")
        if inner or any(map(_is_mapping, kinds)):
            return f"{upper}__{inner or '...'}"
    return ""


def _without_keys(path: str, prefix: str) -> str:
    """Return a variable's name up to the option: keys inside one, as in AUTH__TOKENS__<token>, may be secrets."""
    return prefix + path.partition("__")[0].upper()


def _source(model: type[BaseModel], prefix: str, who: object) -> Any:
    reader = f"extension {who}, which has options in the environment ({prefix}*),"
    errors.require_extra("pydantic_settings", "env", reader)
    from pydantic_settings import EnvSettingsSource

    class Source(EnvSettingsSource):
        def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
            """Keep text where the option takes text: a secret of digits stays text."""
            is_text = field is None or _takes_text(field.annotation)  # None: a value of a mapping
            if is_text and not value.lstrip().startswith(("[", "{", '"')):
                return value
            return super().decode_complex_value(field_name, field, value)

    settings: Any = model  # typed as a BaseSettings, though it reads the fields of any model
    return Source(settings, case_sensitive=True, env_prefix="", env_nested_delimiter="__")


def _takes_text(annotation: Any) -> bool:
    """Whether an option may be a text, also one of a kind of its own, as a `SecretStr`."""
    return any(map(_is_text, _kinds(annotation)))


def _is_text(kind: Any) -> bool:
    from pydantic import TypeAdapter

    try:
        schema = TypeAdapter(kind).json_schema()
    except Exception:  # pydantic has no JSON for it
        return False
    return "string" in (schema.get("type"), *(each.get("type") for each in schema.get("anyOf", ())))
