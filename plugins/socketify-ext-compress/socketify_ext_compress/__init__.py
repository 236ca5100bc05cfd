"""Compressed answers for socketify."""

from .extension import compress
from .options import Options

__all__ = ["Options", "compress"]
