"""Cross-origin requests (CORS) for socketify."""

from .extension import cors
from .options import Options
from .policy import Policy

__all__ = ["Options", "Policy", "cors"]
