"""Security headers for socketify."""

from .extension import security_headers
from .options import Options
from .policy import Policy

__all__ = ["Options", "Policy", "security_headers"]
