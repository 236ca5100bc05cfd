"""`json`: JSON by msgspec, several times as fast as the standard module."""

from .extension import json

__all__ = ["json"]
