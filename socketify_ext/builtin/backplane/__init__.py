"""`backplane`: what is published reaches every process and machine."""

from .extension import Options, backplane

__all__ = ["Options", "backplane"]
