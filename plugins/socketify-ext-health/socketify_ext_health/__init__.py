"""Liveness, readiness and load shedding for socketify."""

from .extension import health
from .health import Health
from .options import Options

__all__ = ["Health", "Options", "health"]
