"""`pm`: private messages between two users' WebSockets."""

from .extension import pm

__all__ = ["pm"]
