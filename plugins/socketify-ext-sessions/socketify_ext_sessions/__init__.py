"""Sessions for socketify: signed in the cookie, or kept on the server."""

from .extension import sessions
from .options import Options
from .session import Session

__all__ = ["Options", "Session", "sessions"]
