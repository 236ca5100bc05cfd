"""The signature of an extension: the core's three positional parameters, and the injected keywords."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from pydantic import model_validator

from .. import errors
from .plural import counted
from .spec import FrozenModel, spec_error

INJECTABLE: Final = ("options", "app")

_EXAMPLE = "def extension(request, response, ws)"


def _check_runs_at_once(function: Any, fix: str) -> None:
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    if inspect.isgeneratorfunction(call):
        raise spec_error(errors.SignatureError, "it is a generator function, and nothing would run it", fix)
    if any(map(inspect.iscoroutinefunction, (function, call))) or inspect.isasyncgenfunction(call):
        raise spec_error(
            errors.SignatureError,
            "it is a coroutine function, and registration awaits nothing",
            f"{fix}, and do the asynchronous part in @app.on_startup",
        )


class SignatureSpec(FrozenModel):
    """The signature of an extension: three positional parameters and the injected names."""

    function: Callable[..., Any]
    injected: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        function = value["function"]
        fix = f"Write it as {_EXAMPLE}"
        if not callable(function):
            raise spec_error(errors.SignatureError, f"a {type(function).__name__} can't be called", fix)
        if inspect.isclass(function):
            raise spec_error(errors.SignatureError, "a class is not an extension function", fix)
        _check_runs_at_once(function, fix)
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            raise spec_error(errors.SignatureError, "its signature can't be read", fix) from None
        kinds = inspect.Parameter
        positional, injected = [], []
        for parameter in signature.parameters.values():
            if parameter.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD):
                positional.append(parameter.name)
            elif parameter.kind is kinds.KEYWORD_ONLY:
                injected.append(parameter.name)
            else:
                raise spec_error(errors.SignatureError, f"it takes {parameter}", fix)
        if len(positional) != 3:
            raise spec_error(
                errors.SignatureError,
                f"it takes {counted(len(positional), 'positional parameter')} ({', '.join(positional) or 'none'}), not three",
                fix,
            )
        unknown = [name for name in injected if name not in INJECTABLE]
        if unknown:
            raise spec_error(
                errors.SignatureError,
                f"its keyword-only {', '.join(unknown)} can't be injected",
                f"The names that can are {' and '.join(INJECTABLE)}",
            )
        return {"function": function, "injected": tuple(injected)}
