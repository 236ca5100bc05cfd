"""The extension `backplane`: which broker carries publications, and within what limits."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from ...stores.url import parse_url
from .broker import Broker
from .memory import Memory
from .nats import Nats, servers_of
from .relay import Relay

SCHEMES: Final = ("memory", "redis", "rediss", "nats", "tls")
PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class Options(BaseModel):
    """Options of `backplane`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    url: str = Field(
        "memory://",
        repr=False,
        description="Broker: memory:// (this process), redis:// or rediss:// (Redis, Valkey), nats:// or tls:// (NATS; "
        "several servers with commas between)",
    )
    prefix: str = Field(
        "socketify", description="Begins every channel's name: give apps that share a broker different prefixes"
    )
    queue_messages: int = Field(10_000, ge=1, description="Publications kept while the broker is away or slow")
    queue_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="Bytes of publications and their topics kept, all together"
    )
    timeout: float = Field(5.0, gt=0, le=300, description="Seconds in which the broker must answer")

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        if url.startswith(("nats:", "tls:")):
            servers_of(url)
        else:
            parse_url(url, SCHEMES)
        return url

    @field_validator("prefix")
    @classmethod
    def _plain(cls, prefix: str) -> str:
        if not PREFIX.fullmatch(prefix):
            raise ValueError("letters, digits, - and _ in parts with dots between, as in shop.chat")
        return prefix


def make_broker(options: Options) -> Broker:
    """Make the broker that the URL asks for.

    Raises:
        MissingExtraError: its client library is not installed.
    """
    if options.url.startswith("redis"):
        from .redis import Redis

        return Redis(options.url, options.prefix, options.timeout)
    return Nats(options.url, options.prefix, options.timeout)


@extension("backplane", options=Options)
def backplane(request: Surface, response: Surface, ws: Surface, *, options: Options, app: AppSurface) -> None:
    """Make `app.publish` and `ws.publish` reach every process and machine; `app.backplane` counts them."""
    if options.url.startswith("memory"):
        app.use_backplane(Memory())
        return
    relay = Relay(make_broker(options), options.queue_messages, options.queue_bytes, options.timeout)
    app.use_backplane(relay)

    @app.on_startup
    async def connect() -> None:
        """Connect in the process that serves, and not in one that forks it."""
        await relay.start(app.publish_here)

    @app.on_shutdown
    async def disconnect() -> None:
        """Send what waits, then disconnect."""
        await relay.stop()
