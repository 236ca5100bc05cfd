"""`socketify-ext run TARGET`: serve an app, in development and in production."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .target import Target
from .traceback import is_asked

_PREFIX = "SOCKETIFY_EXT_RUN_"


def _option(name: str, help: str, **more: Any) -> Any:
    return typer.Option(f"--{name}", help=help, envvar=_PREFIX + name.upper().replace("-", "_"), **more)


def run_app(  # noqa: PLR0917 - typer's way
    context: typer.Context,
    target: Target,
    host: Annotated[str, _option("host", "Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, _option("port", "Port to listen on; 0 takes a free one.", min=0, max=65535)] = 3000,
    uds: Annotated[str | None, _option("uds", "Path of a Unix socket, in place of host and port.")] = None,
    workers: Annotated[str, _option("workers", "Processes that serve; 'auto' for one a processor.")] = "1",
    reload: Annotated[bool, _option("reload", "Start again when the code changes.")] = False,
    tls_cert: Annotated[Path | None, _option("tls-cert", "Certificate, as PEM.")] = None,
    tls_key: Annotated[Path | None, _option("tls-key", "Its key, as PEM.")] = None,
    access_log: Annotated[
        Literal["text", "json", "off"] | None,
        _option("access-log", "Log each request; 'text' with --reload, else 'off'."),
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], _option("log-level", "Least level of the log.")
    ] = "info",
    env_file: Annotated[Path | None, _option("env-file", "File of variables for the app.")] = None,
    max_requests: Annotated[
        int | None, _option("max-requests", "Replace a worker after about this many requests.", min=1)
    ] = None,
    max_age: Annotated[float | None, _option("max-age", "Replace a worker after this many seconds.", min=1)] = None,
    stop_timeout: Annotated[
        float, _option("stop-timeout", "Seconds until a worker that does not stop is killed.", min=0.1)
    ] = 20.0,
) -> None:
    """Serve an app: with reload in development, with workers that are kept alive in production."""
    from socketify_ext.run.banner import print_banner
    from socketify_ext.run.binding import Binding
    from socketify_ext.run.certificate import check_certificate
    from socketify_ext.run.settings import RunSettings
    from socketify_ext.run.supervisor import Supervisor

    settings = RunSettings(
        target=target,
        host=_not_empty("host", host),
        port=port,
        uds=None if uds is None else _not_empty("uds", uds),
        workers=_workers(workers, reload=reload),
        reload=reload,
        tls_cert=_file("tls-cert", tls_cert),
        tls_key=_file("tls-key", tls_key),
        access_log=access_log or ("text" if reload else "off"),
        log_level=log_level,
        env_file=_file("env-file", env_file),
        max_requests=max_requests,
        max_age=max_age,
        stop_timeout=stop_timeout,
        traceback=is_asked(context),
    )
    if (tls_cert is None) is not (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key go together", param_hint="--tls-cert")
    check_certificate(settings)
    changes = _changes() if reload else None
    binding = Binding(settings)
    try:
        supervisor = Supervisor(settings, binding, lambda ready: print_banner(settings, binding.url, ready))
        code = asyncio.run(supervisor.run(changes))
    finally:
        binding.close()
    raise typer.Exit(code)


def _changes() -> Any:
    from socketify_ext.errors import require_extra
    from socketify_ext.run.reload import changes_below

    require_extra("watchfiles", "run", "--reload")
    return changes_below(Path.cwd())


def _workers(text: str, *, reload: bool) -> int:
    if text == "auto":
        return (
            1 if reload else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise typer.BadParameter(f"{text!r} is neither a number from 1 to 1024 nor 'auto'", param_hint="--workers")
    return int(text)


def _not_empty(option: str, text: str) -> str:
    if not text:
        raise typer.BadParameter("it is empty", param_hint=f"--{option}")
    return text


def _file(option: str, path: Path | None) -> str | None:
    if path is None:
        return None
    if not path.is_file():
        raise typer.BadParameter(f"there is no file {str(path)!r}", param_hint=f"--{option}")
    return str(path)
