"""`json`: JSON by msgspec, several times as fast as the standard module."""

from .encoder import make_dump
from .extension import json

__all__ = ["json", "make_dump"]
