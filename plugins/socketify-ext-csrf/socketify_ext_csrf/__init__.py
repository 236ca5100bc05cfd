"""Protection from requests that pages of other sites make (CSRF), for socketify."""

from .extension import csrf
from .options import Options

__all__ = ["Options", "csrf"]
