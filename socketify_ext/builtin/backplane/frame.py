"""What travels between processes: who sent it, its number, and the publications in it.

    version 1 | sender 8 bytes | number 8 bytes | parts: opcode and flags 1 byte | length 4 bytes | data

All numbers are big-endian. A frame has publications on one topic, which its channel names. Numbers rise from frame to
frame of a sender, so that a frame that was sent again after a lost connection is told from a new one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

VERSION: Final = 1
COMPRESS: Final = 0x10
OPCODES: Final = (1, 2)
_HEAD: Final = struct.Struct(">B8sQ")
_PART: Final = struct.Struct(">BI")
HEAD_SIZE: Final = _HEAD.size
PART_SIZE: Final = _PART.size

Part = tuple[int, bytes]
"""An opcode (1 text, 2 binary) with the flag COMPRESS, and the data."""


def pack(sender: bytes, number: int, parts: Iterable[Part]) -> bytes:
    """Write a frame."""
    pieces = [_HEAD.pack(VERSION, sender, number)]
    for kind, data in parts:
        pieces += (_PART.pack(kind, len(data)), data)
    return b"".join(pieces)


def unpack(frame: bytes) -> tuple[bytes, int, list[Part]]:
    """Read a frame: its sender, its number, and its parts.

    Raises:
        ValueError: it is not a frame, so someone else has published it on the channel.
    """
    if len(frame) < HEAD_SIZE or frame[0] != VERSION:
        raise ValueError("no frame of version 1")
    _, sender, number = _HEAD.unpack_from(frame)
    parts: list[Part] = []
    position = HEAD_SIZE
    while position < len(frame):
        if position + PART_SIZE > len(frame):
            raise ValueError("the frame ends inside a part")
        kind, length = _PART.unpack_from(frame, position)
        position += PART_SIZE
        if kind & ~COMPRESS not in OPCODES or position + length > len(frame):
            raise ValueError("a part has another opcode, or ends behind the frame")
        parts.append((kind, frame[position : position + length]))
        position += length
    return sender, number, parts
