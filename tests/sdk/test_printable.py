from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.error_log import ErrorLog
from socketify_ext.sdk.printable import printable


@given(st.text(), st.integers(0, 50))
def test_no_control_character_is_left_and_the_rest_is_counted(text, limit):
    shown = printable(text, limit)
    assert not set(shown) & {*map(chr, range(32)), "\x7f", "\u2028", "\u202e"}
    assert shown.endswith(f"... ({len(text) - limit} more characters)") == (len(text) > limit)


def test_what_is_kept_stays():
    assert printable("a\n\x1b[2J\u202e", keep="\n") == "a\n\\x1b[2J\\u202e"


def test_an_errors_text_is_one_bounded_line_in_the_log(caplog):
    hostile = "x\nERROR forged\x1b[2J" + "y" * 1_000_000
    error = RuntimeError(hostile)
    error.__cause__ = ValueError(hostile)
    ErrorLog().report(error, "/route")
    text = logging.Formatter("%(levelname)s %(message)s").format(caplog.records[0])
    assert len(text) < 10_000
    assert "\x1b" not in text
    assert "\nERROR forged" not in text
    assert "x\\nERROR forged\\x1b[2J" in text
    assert text.index("ValueError: x") < text.index("direct cause")
    assert caplog.records[0].exc_info[1].args == (hostile,)
    assert caplog.records[0].route == "/route"
