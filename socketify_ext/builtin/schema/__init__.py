"""`schema`: routes with models of what they take and answer."""

from .extension import schema
from .valid import Valid

__all__ = ["Valid", "schema"]
