"""Rate limits for socketify."""

from .extension import ratelimit
from .options import Options

__all__ = ["Options", "ratelimit"]
