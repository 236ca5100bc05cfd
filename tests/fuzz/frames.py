"""WebSocket frames: valid ones that mutants begin as, and a strict reader of what a server sends (RFC 6455)."""

import json
import struct

import msgpack

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, mask=b"\x01\x02\x03\x04", reserved=0):
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size, masked = len(payload), 0x80 if mask else 0
    if size < 126:
        head = bytes([first, masked | size])
    elif size < 65536:
        head = bytes([first, masked | 126]) + struct.pack(">H", size)
    else:
        head = bytes([first, masked | 127]) + struct.pack(">Q", size)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else head + payload


def fragments(opcode, payload, size=3):
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(parts) - 1
    return b"".join(frame(CONTINUATION if at else opcode, part, fin=at == last) for at, part in enumerate(parts))


def pm(to, message, key=None):
    return frame(TEXT, json.dumps({"to": to, "message": message, "key": key}).encode())


def make_seeds():
    seeds = [
        frame(opcode, payload) for opcode in (TEXT, BINARY) for payload in (b"", b"hello", b"x" * 200, b"y" * 16000)
    ]
    seeds += [
        frame(TEXT, "täxt".encode()),
        frame(TEXT, b"\xff\xfe"),
        frame(TEXT, "\ud800".encode("utf-8", "surrogatepass")),
    ]
    seeds += [
        fragments(TEXT, "täxt of many parts".encode()),
        fragments(BINARY, bytes(30)),
        frame(TEXT, b"a", fin=False),
    ]
    seeds += [frame(TEXT, b"a", fin=False) + frame(PING, b"between") + frame(CONTINUATION, b"b")]
    seeds += [frame(opcode, payload) for opcode in (PING, PONG) for payload in (b"", b"p" * 125, b"p" * 126)]
    codes = (0, 999, 1000, 1001, 1005, 1006, 1011, 1015, 3000, 4999, 5000, 65535)
    seeds += [frame(CLOSE, struct.pack(">H", code) + "bye ü".encode()) for code in codes]
    seeds += [frame(CLOSE), frame(CLOSE, b"\x03"), frame(CLOSE, b"\x03\xe8\xff"), frame(CLOSE) + frame(TEXT, b"after")]
    seeds += [frame(TEXT, b"x", reserved=bits) for bits in (1, 2, 4, 7)] + [frame(TEXT, b"x", mask=b"")]
    seeds += [frame(opcode, b"x") for opcode in (3, 7, 11, 15)]
    seeds += [
        pm("Ben", "hello"),
        pm("Ann", {"a": [1]}, "key"),
        pm("ack", "1-2"),
        pm("Ann", "x" * 17000),
        pm(None, None),
    ]
    seeds += [frame(TEXT, b"[" * 5000), frame(TEXT, b'{"to": 5, "message": NaN, "key": {}}'), frame(TEXT, b"[]")]
    packed = ({"a": [1, -1, 2.5, None, b"x"]}, msgpack.Timestamp(1, 2), msgpack.ExtType(5, b"x"), 2**64 - 1)
    seeds += [frame(BINARY, msgpack.packb(value)) for value in packed]
    seeds += [
        frame(BINARY, bytes([0x91]) * 3000),
        frame(BINARY, b"\xdd\xff\xff\xff\xff"),
        frame(BINARY, b"\x82\xa1a\x01\xa1a\x02"),
    ]
    seeds += [b"\x81\xff" + struct.pack(">Q", size) + b"\0\0\0\0" for size in (2**63, 2**64 - 1, 2**31, 126)]
    return seeds


def read_frames(data):
    """Read what a server has sent, as far as it came.

    Raises:
        ValueError: it is against the protocol.
    """
    found, fragmented, at = [], None, 0
    while len(data) - at >= 2:
        first, size, start = data[at], data[at + 1], at + 2
        opcode, fin = first & 15, first & 0x80
        if size & 0x80 or first & 0x70 or opcode not in {0, 1, 2, 8, 9, 10}:
            raise ValueError(f"no frame of a server begins with {data[at : at + 2]!r}")
        if opcode >= CLOSE and (size > 125 or not fin):
            raise ValueError(f"a control frame begins with {data[at : at + 2]!r}")
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        if len(data) < start + size:
            break
        if found and found[-1][0] == CLOSE:
            raise ValueError("a frame comes after the close frame")
        if (opcode == CONTINUATION) != (fragmented is not None) and opcode < CLOSE:
            raise ValueError("a fragment is out of order")
        payload, at = data[start : start + size], start + size
        if opcode < CLOSE:
            kind, before = fragmented or (opcode, b"")
            fragmented = None if fin else (kind, before + payload)
            opcode, payload = kind, before + payload
        if fin:
            if opcode == TEXT or (opcode == CLOSE and len(payload) > 2):
                (payload if opcode == TEXT else payload[2:]).decode()
            found.append((opcode, payload))
    return found
