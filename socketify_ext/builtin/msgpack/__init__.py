"""`msgpack`: answer, read and send MessagePack."""

from .extension import Options, msgpack

__all__ = ["Options", "msgpack"]
