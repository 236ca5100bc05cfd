import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.builtin.msgpack.negotiation import choose, media_ranges

JSON, MSGPACK, OLD = "application/json", "application/msgpack", "application/x-msgpack"
OFFERS = (JSON, MSGPACK, OLD)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, JSON),
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (MSGPACK, MSGPACK),
        ("APPLICATION/MsgPack", MSGPACK),
        (OLD, OLD),
        (f"{MSGPACK}, {JSON}", JSON),  # equal: the server's order
        (f"{JSON};q=0.8, {MSGPACK}", MSGPACK),
        (f"{JSON};q=0.8, {MSGPACK};q=0.9", MSGPACK),
        (f"{MSGPACK};q=0.5, */*;q=0.1", MSGPACK),
        (f"{JSON};q=0, */*", MSGPACK),
        (f"*/*, {JSON};q=0", MSGPACK),
        (f"application/*;q=0, {MSGPACK}", MSGPACK),
        (f"application/*;q=0.5, {MSGPACK};q=0.4, */*", JSON),
        (f"{MSGPACK};Q=0.4, {JSON};q=0.300", MSGPACK),
        (f"{MSGPACK} ; q=1.000", MSGPACK),
        (f"{MSGPACK}; charset=utf-8", MSGPACK),
        (f'text/html;x="a,{JSON}", {MSGPACK}', MSGPACK),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        (f"nonsense, ,;, {MSGPACK}", MSGPACK),
        (f"{JSON};q=2, {MSGPACK};q=0.1", MSGPACK),
        (f"{JSON};q=, {MSGPACK};q=0.1", MSGPACK),
        ("text/html", None),
        ("text/*", None),
        ("*/*;q=0", None),
        (f"{JSON};q=0.0, {MSGPACK};q=0", None),
        ("nonsense", None),
        ("application/jsonx", None),
    ],
)
def test_the_offer_with_the_highest_quality_is_chosen(accept, wanted):
    assert choose(accept, OFFERS) == wanted


@given(st.text() | st.text(alphabet='application/json*msgpack;,q=01. "\\'))
def test_any_text_gives_an_offer_or_none(accept):
    assert choose(accept, OFFERS) in (*OFFERS, None)
    assert all(0 <= quality <= 1 for _, quality in media_ranges(accept))


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_qualities_decide(first, second):
    wanted = None if not first and not second else JSON if first >= second else MSGPACK
    assert choose(f"{JSON};q={first / 1000:.3f}, {MSGPACK};q={second / 1000:.3f}", OFFERS) == wanted


def test_a_long_header_takes_no_time_that_grows_with_its_square():
    assert choose('a/b;x="' + '\\"' * 100_000, OFFERS) is None
    assert choose("," * 100_000, OFFERS) is None
    assert choose(" " * 100_000 + "x", OFFERS) is None
