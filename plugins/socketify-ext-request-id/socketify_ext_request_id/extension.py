"""`request-id`: name each request, and log it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import socketify_ext

from .access_log import AccessLog
from .context import CURRENT
from .ids import accepted_id, make_id
from .options import Options

_NOTHING: Final[Mapping[str, str | None]] = MappingProxyType({})


@socketify_ext.extension(
    "request-id",
    options=Options,
    before=["*", "cors", "health"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def request_id(
    request: socketify_ext.Surface,
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Give each request an id: `req.request_id`, in every line that is logged meanwhile, and in the answer."""
    generate = options.generate or make_id

    @request.property
    def request_id(self: Any) -> str:
        """The id of this request."""
        accepted = accepted_id(self.get_header_lines(options.header)) if options.accept else None
        return accepted or str(generate())

    def begin(res: Any, req: Any) -> None:  # noqa: ARG001
        CURRENT.set(req.request_id)

    app.before_request(begin)

    @app.before_send
    def tell(res: Any, req: Any) -> None:
        res.set_header(options.header, req.request_id)

    app.route_option("access_log", type=bool)
    if options.access_log is not None:
        add_access_log(app, options)


def add_access_log(app: socketify_ext.AppSurface, options: Options) -> None:
    """Log the requests of all routes but the quiet ones."""
    log = AccessLog(options)
    beginning: socketify_ext.PrivateProperty[Mapping[str, str | None]] = socketify_ext.PrivateProperty(
        "access", _NOTHING
    )

    def is_logged(route: Any) -> bool:
        return bool(route.options.get("access_log", route.pattern not in options.quiet))

    def read(res: Any, req: Any) -> None:
        beginning.set(req, log.read(res, req))

    def write(outcome: socketify_ext.Outcome) -> None:
        found: Any = outcome.request
        log.write(found.request_id, beginning.get(found), outcome)

    app.before_request(read, where=is_logged)
    app.after_response(write, where=is_logged)
    if options.access_log == "structlog":
        bind_to_structlog(app)


def bind_to_structlog(app: socketify_ext.AppSurface) -> None:
    """Let structlog's `merge_contextvars`, which its default configuration has, add the id to every event."""
    from structlog.contextvars import bind_contextvars

    def bind(res: Any, req: Any) -> None:  # noqa: ARG001
        bind_contextvars(request_id=req.request_id)

    app.before_request(bind)
