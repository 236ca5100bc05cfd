"""RFC 9110, 12.5.3: Accept-Encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.files.coding import CODINGS, preferred

OFFERED = ["br", "gzip"]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", []),
        ("br", ["br"]),
        ("BR", ["br"]),
        ("gzip, br", ["br", "gzip"]),
        ("gzip, br;q=0.1", ["gzip", "br"]),
        ("br ; q=0.5 , gzip;Q=0.501", ["gzip", "br"]),
        ("br;q=0, gzip", ["gzip"]),
        ("br;q=0.000, gzip", ["gzip"]),
        ("x-gzip", ["gzip"]),
        ("*", ["br", "gzip"]),
        ("*;q=0", []),
        ("*, br;q=0", ["gzip"]),
        ("*;q=0, gzip", ["gzip"]),
        ("identity", []),
        ("identity, gzip", ["gzip"]),
        ("identity, gzip;q=0.5", []),
        ("identity;q=0.5, gzip, br;q=0.2", ["gzip"]),
        ("identity;q=1, *;q=0", []),
        ("identity;q=0", []),
        ("deflate", []),
        ("brotli, gzipped", []),
        ("gzip;q=x", []),
        ("gzip;q=nan", []),
        ("gzip;q=inf", []),
        ("gzip;q=1.1", []),
        ("gzip;q=0.1234", []),
        ("gzip;q=-1", []),
        ("gzip;level=9", []),
        ("gzip;q=1;q=0", []),
        ("gzip;q=0, gzip", []),
        ("\u0000br", []),
    ],
)
def test_rfc9110_12_5_3_the_coding_with_the_highest_weight_is_preferred(accepted, expected):
    assert preferred([element.strip() for element in accepted.split(",")], OFFERED) == expected


@given(
    accepted=st.lists(st.text(max_size=20) | st.text("brgzip*;q=01., ", max_size=20)),
    offered=st.sets(st.sampled_from(sorted(CODINGS))),
)
def test_whatever_is_accepted_only_what_is_offered_is_preferred(accepted, offered):
    found = preferred(accepted, sorted(offered))
    assert set(found) <= offered
    assert len(found) == len(set(found))


@given(weights=st.dictionaries(st.sampled_from(sorted(CODINGS)), st.integers(0, 1000)))
def test_weights_order_the_codings(weights):
    accepted = [f"{coding};q={weight / 1000:.3f}" for coding, weight in weights.items()]
    found = preferred(accepted, list(CODINGS))
    assert set(found) == {coding for coding, weight in weights.items() if weight}
    assert [weights[coding] for coding in found] == sorted((weights[coding] for coding in found), reverse=True)
