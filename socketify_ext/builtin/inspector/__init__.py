"""`inspector`: a page that shows the extensions, members, routes and live figures of an app."""

from .extension import inspector

__all__ = ["inspector"]
