"""`auth`: authentication over HTTP and WebSockets."""

from .extension import auth
from .options import JwtOptions, Options
from .user import ANONYMOUS, User

__all__ = ["ANONYMOUS", "JwtOptions", "Options", "User", "auth"]
