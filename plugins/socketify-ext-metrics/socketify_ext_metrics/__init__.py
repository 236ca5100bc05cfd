"""Prometheus metrics for socketify."""

from .extension import metrics
from .metrics import Metrics
from .options import Options

__all__ = ["Metrics", "Options", "metrics"]
