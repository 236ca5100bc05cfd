"""A response cache for socketify."""

from .extension import cache
from .options import Options
from .policy import Policy

__all__ = ["Options", "Policy", "cache"]
