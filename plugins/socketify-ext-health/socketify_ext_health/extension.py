"""`health`: say whether the process lives and is ready, and refuse requests that it can't serve in time."""

from __future__ import annotations

import asyncio
from typing import Any

import socketify_ext

from .health import Health
from .options import Options


@socketify_ext.extension(
    "health",
    options=Options,
    before=["*"],
    after=["request-id", "cors"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def health(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Answer /livez and /readyz before any guard, with the checks of `app.health`, and shed load where asked."""
    state = Health(options)
    app.health = state

    def live(res: Any, req: Any) -> None:  # noqa: ARG001
        res.write_header("Cache-Control", "no-store").end({"status": "ok"})

    async def ready(res: Any, req: Any) -> None:  # noqa: ARG001
        status, shown = await state.readiness()
        res.write_status(status).write_header("Cache-Control", "no-store").end(shown)

    probes = [(path, answer) for path, answer in ((options.livez, live), (options.readyz, ready)) if path is not None]
    for path, answer in probes:
        app.get(path, answer)
        # As a hook too: it comes before those that ask for a token or count requests, and a prober has none.
        pattern = f"{app.prefix}{path}"
        app.before_request(
            answer, where=lambda route, own=pattern: route.extension == "health" and route.pattern == own
        )

    @app.before_close
    async def close() -> None:
        state.close()
        await asyncio.sleep(options.close_delay)

    if options.max_lag is not None:
        shed_load(app, options, state)


def shed_load(app: socketify_ext.AppSurface, options: Options, state: Health) -> None:
    """Refuse requests while the event loop is behind, those of probers excepted."""
    longest, headers = options.max_lag or 0.0, {"Retry-After": str(options.retry_after)}

    def refuse(res: Any, req: Any) -> None:  # noqa: ARG001
        if state.lag > longest:
            raise socketify_ext.HTTPError(503, headers=headers)

    app.before_request(refuse, where=lambda route: route.extension != "health")

    @app.on_startup
    async def start() -> None:
        state.start()

    app.on_shutdown(state.stop)
