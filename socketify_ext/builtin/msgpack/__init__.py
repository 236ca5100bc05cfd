"""`msgpack`: answer, read and send MessagePack."""

from .extension import msgpack

__all__ = ["msgpack"]
