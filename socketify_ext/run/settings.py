"""What `socketify-ext run` was asked for, as the supervisor and its workers share it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

AccessLog = Literal["text", "json", "off"]


@dataclass(frozen=True)
class RunSettings:
    """The settings of one run.

    Args:
        target: the app, as other commands take it.
        host: an address of this machine.
        port: 0 for a free one.
        uds: the path of a Unix socket, in place of host and port.
        workers: how many processes serve.
        reload: whether a change of the code restarts them.
        tls_cert: a file with the certificate, as PEM.
        tls_key: a file with its key, as PEM.
        access_log: how requests are logged.
        log_level: of the root logger.
        env_file: a file of variables for the workers.
        max_requests: after how many a worker is replaced, or None.
        max_age: seconds after which a worker is replaced, or None.
        stop_timeout: seconds that a worker may take to stop before it is killed.
        traceback: whether errors at the start are shown with one.
    """

    target: str
    host: str = "127.0.0.1"
    port: int = 3000
    uds: str | None = None
    workers: int = 1
    reload: bool = False
    tls_cert: str | None = None
    tls_key: str | None = None
    access_log: AccessLog = "off"
    log_level: str = "info"
    env_file: str | None = None
    max_requests: int | None = None
    max_age: float | None = None
    stop_timeout: float = 20.0
    traceback: bool = False

    def to_json(self) -> str:
        """Return them as text for a worker's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunSettings:
        """Return the settings that `to_json` has written."""
        return cls(**json.loads(text))
