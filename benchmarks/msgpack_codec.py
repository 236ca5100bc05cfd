"""What do MessagePack's encoder and decoder cost, in process, beside the bare library?

The bare library is one `msgpack.Packer` that is made once and used again, and `msgpack.unpackb`.
"""

from __future__ import annotations

import gc
import time

import msgpack
from question import FULL, Scale, interleave, main, rows, target

from socketify_ext.builtin.msgpack.decoder import make_decoder
from socketify_ext.builtin.msgpack.encoder import make_encoder

RECORD = {"id": 4711, "name": "Ann", "tags": ["tea", "cup"], "price": 9.5, "paid": True, "note": None}
VALUES = {
    "a small map": ({"name": "Test"}, 5000),
    "a record": (RECORD, 2000),
    "a list of 100 records": ([RECORD] * 100, 40),
}
BARE = "bare msgpack"


def timed(function, value, calls: int) -> dict[str, float]:
    """Return the nanoseconds of CPU time of one call, which are those of the clock where nothing else runs."""
    numbers = range(calls)
    used = time.process_time_ns()
    for _ in numbers:
        function(value)
    return {"value": (time.process_time_ns() - used) / calls}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Encode and decode each value with each codec in turn."""
    encoders = {
        BARE: msgpack.Packer().pack,
        "ours": make_encoder(fast=False),
        "ours, extra fast": make_encoder(),
    }
    decoders = {BARE: msgpack.unpackb, "ours": make_decoder(max_depth=100)}
    found, targets = [], []
    gc.collect()
    for label, (value, calls) in VALUES.items():
        data = msgpack.packb(value)
        for what, codecs, given in (("encode", encoders, value), ("decode", decoders, data)):
            results = [codec(given) for codec in codecs.values()]
            if results.count(results[0]) != len(results):
                raise RuntimeError(f"{what} {label}: the codecs differ")
            cases = {name: lambda f=f, v=given, n=calls: timed(f, v, n) for name, f in codecs.items()}
            part = rows(
                interleave(cases, scale.pick(31, 11), f"{what} {label}"),
                BARE,
                cost=True,
                inverse=True,
                group=f"{what} {label}",
            )
            found += part
            if what == "encode":
                for row, who in zip(part[1:], ("", ", extra fast"), strict=True):
                    goal = f"{what} {label}{who}: speed to a bare Packer"
                    targets.append(target(goal, row["ratio"], ">=", 0.95))
    return {"unit": "ns of CPU", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
