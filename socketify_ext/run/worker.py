"""A worker: `python -m socketify_ext.run.worker`, which loads the app and serves it on the supervisor's socket."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any, Final

from socketify_ext import errors
from socketify_ext.inspection.loading import load_target, without_serving
from socketify_ext.registry.registry import default_registry

from .access_log import log_requests
from .advice import advice_on
from .env_file import read_env_file
from .process_name import name_process
from .rest import rest_after
from .settings import RunSettings
from .summary import summary_of

_LINGER: Final = 1.0  # seconds that idle connections get to send one more request
_RELOAD_GRACE: Final = 0.1  # seconds that running requests get where the code has changed


def main(given: dict[str, Any], settings: RunSettings) -> None:
    """Serve until the supervisor stops this process, or has gone itself."""
    name_process(f"worker {given['number']} {settings.target}")
    _end_with_supervisor(given["alive"])

    def tell(**event: Any) -> None:
        os.write(given["events"], json.dumps(event).encode() + b"\n")

    try:
        if settings.env_file is not None:
            read_env_file(settings.env_file)
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        app = _load(settings)
        _prepare(app, settings, lambda: tell(rest=True))
        _listen(app, given["listening"])
    except BaseException as error:
        tell(error=_describe(error, with_traceback=settings.traceback or settings.reload))
        raise SystemExit(1) from None
    tell(ready={**summary_of(app), "advice": advice_on(app, settings)})
    app.run()


def _end_with_supervisor(alive: int) -> None:
    """End this process in order once its supervisor has gone, however that came."""

    def wait() -> None:
        os.read(alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="socketify-ext-supervisor", daemon=True).start()


def _load(settings: RunSettings) -> Any:
    import socketify

    import socketify_ext

    if "" not in sys.path:
        sys.path.insert(0, "")
    with without_serving() as served, _with_tls(settings):
        app = load_target(settings.target, default_registry(), served, make_app=socketify_ext.App)
    if not isinstance(app, socketify.App):
        raise errors.TargetError(
            f"target {settings.target!r}",
            "can't be served",
            "it is an extension, not an app",
            "Name an app that registers it, as in main:app",
            target=settings.target,
        )
    if settings.tls_cert is not None and not app.SSL:
        raise errors.TargetError(
            f"target {settings.target!r}",
            "can't be served with TLS",
            "it makes its app with options of its own, or before this module is loaded",
            "Leave the options out, or put the certificate into them and leave --tls-cert out",
            target=settings.target,
        )
    return app


@contextlib.contextmanager
def _with_tls(settings: RunSettings) -> Iterator[None]:
    """Give apps that are made without options those for TLS."""
    import socketify

    if settings.tls_cert is None:
        yield
        return
    options = socketify.AppOptions(key_file_name=settings.tls_key, cert_file_name=settings.tls_cert)
    initialise = socketify.App.__init__

    def with_options(app: Any, given: Any = None, *arguments: Any, **more: Any) -> None:
        initialise(app, options if given is None else given, *arguments, **more)

    socketify.App.__init__ = with_options
    try:
        yield
    finally:
        socketify.App.__init__ = initialise


def _prepare(app: Any, settings: RunSettings, ask_for_rest: Any) -> None:
    import socketify_ext

    if not isinstance(app, socketify_ext.App):  # the core's own has neither hooks nor an orderly end
        return
    if settings.reload:
        app.shutdown_grace = _RELOAD_GRACE
    else:
        app.shutdown_linger = _LINGER
    if settings.access_log != "off":
        log_requests(app, as_json=settings.access_log == "json")
    if settings.max_requests is not None:
        rest_after(app, settings.max_requests, ask_for_rest)


def _listen(app: Any, number: int) -> None:
    import socketify_ext
    from socketify_ext.runtime.listening import listen_stock

    if isinstance(app, socketify_ext.App):
        app.listen({"fd": number})
    else:
        listen_stock(app, number)


def _describe(error: BaseException, *, with_traceback: bool) -> str:
    if with_traceback:
        return "".join(traceback.format_exception(error)).rstrip()
    if isinstance(error, errors.ExtensionError):
        return f"error: {error}"
    return (
        f"error: {type(error).__name__}: {_with_place(error)}. Correct it, or run `socketify-ext --traceback run ...` to see "
        f"more"
    )


def _with_place(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.msg} ({error.filename}:{error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "socketify_ext" not in frame.filename and not frame.filename.startswith("<frozen ")
    ]
    return f"{error} ({frames[-1].filename}:{frames[-1].lineno})" if frames else str(error)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), RunSettings.from_json(sys.argv[2]))
