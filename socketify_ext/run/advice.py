"""What in a run is not as production wants it, told once at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from .settings import RunSettings


def advice_on(app: Any, settings: RunSettings) -> list[str]:
    """Return the warnings about an app and its settings."""
    import socketify_ext

    found = []
    if settings.reload:
        found.append("--reload is for development: leave it out in production")
    for spec in socketify_ext.inspect(app).order:
        options = spec.identity[1] if len(spec.identity) > 1 else None
        if not isinstance(options, BaseModel):
            continue
        for name, value in _options(options):
            if settings.workers > 1 and _is_memory(value):
                found.append(
                    f"{spec.name}: {name}={_shown(value)!r} is of one process, and {settings.workers} workers serve: "
                    f"write a redis:// URL"
                )
            if settings.tls_cert is None and name.endswith("secure") and value is True:
                found.append(
                    f"{spec.name}: {name}=True, and this server has no TLS: browsers drop the cookie unless a proxy "
                    f"in front has; while developing write {name}=False"
                )
    return found


def _options(options: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the options by name, those of models inside with a dot."""
    for name in type(options).model_fields:
        value = getattr(options, name)
        if isinstance(value, BaseModel):
            yield from _options(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(value: Any) -> str:
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _is_memory(value: Any) -> bool:
    return isinstance(value, (str, SecretStr)) and _shown(value).startswith("memory://")
