"""Which patterns and which paths are below a prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.sdk.path_prefix import covers, matches

word = st.sampled_from(["a", "b", "c"])
part = st.sampled_from(["a", "b", "c", ":id", "*"])


@given(st.lists(part, min_size=1, max_size=4), st.lists(st.sampled_from(["a", "b", ":x"]), max_size=3), st.data())
def test_a_pattern_decides_as_each_of_its_paths_would(pattern, prefix, data):
    if "*" in pattern:
        del pattern[pattern.index("*") + 1 :]
    path = []
    for each in pattern:
        path += data.draw(st.lists(word, min_size=1)) if each == "*" else [data.draw(word) if each == ":id" else each]
    covered = covers(tuple(prefix), "/" + "/".join(pattern))
    matched = matches(tuple(prefix), "/" + "/".join(path))
    assert matched == (len(path) >= len(prefix) and all(a in (b, ":x") for b, a in zip(path, prefix, strict=False)))
    assert covered in (None, matched)


@pytest.mark.parametrize(
    ("prefix", "path", "is_below"),
    [
        ((), "/anything", True),
        (("admin",), "/admin", True),
        (("admin",), "/admin/", True),
        (("admin",), "/admin/x", True),
        (("admin",), "/admins", False),
        (("admin",), "/Admin", False),
        (("admin",), "/", False),
        (("admin",), "/x/../admin/y", True),
        (("admin",), "/%61dmin", True),
        (("admin",), "//admin", True),
        (("admin",), "/./admin", True),
        (("admin",), "/admin/../x", True),
        (("admin",), "/%2561dmin", False),
        (("users", ":id"), "/users/7", True),
        (("users", ":id"), "/users/7/orders", True),
        (("users", ":id"), "/users/", False),
        (("users", ":id"), "/users", False),
        (("admin",), "*", True),
        (("admin",), None, True),
        (("",), "/", True),
    ],
)
def test_a_path_is_below_a_prefix_as_a_handler_may_understand_it(prefix, path, is_below):
    assert matches(prefix, path) is is_below


@pytest.mark.parametrize(
    ("prefix", "pattern", "covered"),
    [
        (("users", ":id"), "/users/:user/orders", True),
        (("users", ":id"), "/users/*", None),
        (("users", ":id"), "/users/7", True),
        (("users", ":id"), "/:any/7", None),
        (("users", ":id"), "/shops/:id", False),
        (("users", ":id"), "/users", False),
        (("users", ":id"), "/users/", None),
        (("a",), "*", None),
    ],
)
def test_a_prefix_with_a_parameter_covers_patterns(prefix, pattern, covered):
    assert covers(prefix, pattern) is covered
