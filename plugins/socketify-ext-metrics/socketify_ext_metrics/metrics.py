"""What is measured of one app, and how it is shown to Prometheus."""

from __future__ import annotations

import os
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

import socketify_ext

from .options import Options

# RFC 9110, 9.1, and RFC 5789. A client may send any other word, and each would be a time series of its own.
_METHODS: Final = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))


class Metrics:
    """The metrics of one app.

    Where the environment has PROMETHEUS_MULTIPROC_DIR, they are those of all processes that share the directory.
    """

    def __init__(self, options: Options) -> None:
        self._folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self.registry = CollectorRegistry()
        own = self.registry if self._folder is None else None
        if self._folder is None:
            self.registry.register(REGISTRY)  # the process's own, and those that a program has made itself
        else:
            MultiProcessCollector(self.registry, self._folder)  # type: ignore[no-untyped-call]
        self.durations = Histogram(
            f"{options.prefix}http_request_duration_seconds",
            "Seconds from the first hook or handler to the answer.",
            ("method", "route", "status"),
            registry=own,
            buckets=options.buckets,
        )
        self.in_flight = Gauge(
            f"{options.prefix}http_requests_in_flight",
            "Requests that are not answered yet.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self.sockets = Gauge(
            f"{options.prefix}websocket_connections",
            "WebSockets that are open.",
            ("route",),
            registry=own,
            multiprocess_mode="livesum",
        )
        self._series: dict[tuple[str, str, int | None], Any] = {}

    def observe(self, outcome: socketify_ext.Outcome) -> None:
        """Count a request that has ended."""
        key = (outcome.method, outcome.route, None if outcome.aborted else outcome.status)
        series = self._series.get(key)
        if series is None:
            method, route, status = key
            method = method if method in _METHODS else "other"
            series = self.durations.labels(method, route, "aborted" if status is None else str(status))
            if method != "other":
                self._series[key] = series
        series.observe(outcome.duration)

    def exposition(self, accept: str | None) -> tuple[bytes, str]:
        """Write the metrics in the format that a client asks for.

        Returns:
            The text and its content type: OpenMetrics, or Prometheus' own format.
        """
        try:
            encode, content_type = choose_encoder(accept or "")
            return encode(self.registry), content_type
        except (TypeError, ValueError):  # a version that is none
            return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4

    def leave(self) -> None:
        """Take the gauges of this process out of what the others show; its counts stay."""
        if self._folder is not None:
            mark_process_dead(os.getpid(), self._folder)  # type: ignore[no-untyped-call]
