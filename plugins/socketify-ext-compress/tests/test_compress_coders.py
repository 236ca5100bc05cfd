from __future__ import annotations

import os
import random
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from socketify_ext_compress import Options
from socketify_ext_compress.coders import stream_coder, whole_encoders, zstd

CODINGS = ("zstd", "br", "gzip")


class Reader:
    """Reads a stream as far as it has come, as a client does."""

    def __init__(self, coding):
        self._made = {
            "zstd": zstd.ZstdDecompressor,
            "br": brotli.Decompressor,
            "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
        }[coding]()
        self.read = self._made.process if coding == "br" else self._made.decompress

    def is_over(self):
        return self._made.is_finished() if hasattr(self._made, "is_finished") else self._made.eof


@pytest.mark.parametrize("coding", CODINGS)
@given(data=st.binary(max_size=5000))
def test_a_whole_body_comes_back(coding, data):
    reader = Reader(coding)
    assert reader.read(whole_encoders(Options())[coding](data)) == data
    assert reader.is_over()


@pytest.mark.parametrize("coding", CODINGS)
@given(parts=st.lists(st.binary(max_size=400), max_size=20))
def test_each_part_of_a_stream_can_be_read_at_once(coding, parts):
    reader, coder = Reader(coding), stream_coder(coding)
    for part in parts:
        packed = coder.feed(part)
        assert (reader.read(packed) if packed else b"") == part
    assert not parts or not reader.is_over()
    assert reader.read(coder.finish()) == b""
    assert reader.is_over()


@pytest.mark.parametrize("level", range(1, 20))
def test_every_zstd_level_stays_within_what_browsers_read(level):
    # RFC 9659: 8 MiB at most. The data is larger, so that no window is shrunk to it.
    packed = whole_encoders(Options(zstd_level=level))["zstd"](bytes(9 * 1024 * 1024))
    assert zstd.decompress(packed, options={zstd.DecompressionParameter.window_log_max: 23})


@pytest.mark.parametrize("coding", CODINGS)
def test_levels_are_taken(coding):
    words = [word.hex().encode() for word in map(random.Random(7).randbytes, range(1, 9))]
    data = b" ".join(random.Random(8).choices(words, k=9_000))
    sizes = {len(whole_encoders(Options(**{f"{coding}_level": level}))[coding](data)) for level in (1, 9)}
    assert len(sizes) == 2


@pytest.mark.parametrize("coding", CODINGS)
def test_threads_compress_at_the_same_time_what_is_theirs(coding):
    encode = whole_encoders(Options())[coding]
    bodies = [bytes([number]) * 200_000 + os.urandom(1000) for number in range(16)]
    with ThreadPoolExecutor(4) as pool:
        assert [Reader(coding).read(packed) for packed in pool.map(encode, bodies)] == bodies


MEASURE = """
import resource, sys
from socketify_ext_compress.coders import stream_coder

page = 4096
def used():
    return int(open("/proc/self/statm").read().split()[1]) * page

part = open(sys.argv[2], "rb").read()
stream_coder(sys.argv[1]).feed(part)
before, held = used(), []
for _ in range(100):
    held.append(stream_coder(sys.argv[1]))
    for _ in range(20):
        held[-1].feed(part)
print((used() - before) // 100)
"""


@pytest.mark.parametrize("coding", CODINGS)
def test_an_open_stream_holds_less_than_half_a_mebibyte(coding):
    command = (sys.executable, "-c", MEASURE, coding, __file__)
    held = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert held < 512 * 1024


@pytest.mark.parametrize(
    "options",
    [{"codings": []}, {"codings": ["br", "br"]}, {"codings": ["deflate"]}, {"min_size": -1}, {"zstd_level": 20},
     {"br_level": 12}, {"gzip_level": 0}, {"content_types": ["Text/HTML"]}, {"content_types": ["text/*"]},
     {"content_types": ["font"]}, {"offload": 0}, {"level": 1}],
)  # fmt: skip
def test_options_that_can_not_work_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**options)
