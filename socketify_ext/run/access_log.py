"""The access log of a run: one line for each request."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from socketify_ext.sdk.printable import printable
from socketify_ext.sdk.private_property import PrivateProperty

if TYPE_CHECKING:
    from socketify_ext.app import App
    from socketify_ext.runtime.outcome import Outcome

log = logging.getLogger("socketify_ext.access")

_CLIENT: Final[PrivateProperty[tuple[str, str]]] = PrivateProperty("client", ("-", "-"))


def log_requests(app: App, *, as_json: bool) -> None:
    """Log the requests of an app: client, method, path, status and milliseconds."""

    @app.before_request
    def note(res: Any, req: Any) -> None:
        _CLIENT.set(req, (res.get_remote_address() or "-", req.get_url() or "-"))

    @app.after_response
    def write(outcome: Outcome) -> None:
        log.info("%s", (_json if as_json else _text)(outcome))


def _text(outcome: Outcome) -> str:
    client, path = _CLIENT.get(outcome.request)
    status = "aborted" if outcome.status is None else outcome.status
    return printable(f"{client} {outcome.method} {path} {status} {outcome.duration * 1000:.1f} ms")


def _json(outcome: Outcome) -> str:
    client, path = _CLIENT.get(outcome.request)
    return json.dumps(
        {
            "time": round(time.time(), 3),
            "client": client,
            "method": outcome.method,
            "path": path,
            "route": outcome.route,
            "status": outcome.status,
            "milliseconds": round(outcome.duration * 1000, 3),
            "aborted": outcome.aborted,
        }
    )
