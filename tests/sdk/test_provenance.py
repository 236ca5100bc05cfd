import pytest

from socketify_ext.sdk.provenance import place


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("/site/jwt.py", "jwt.py:14"),
        ("/site/socketify_ext/builtin/cart/extension.py", "cart/extension.py:14"),
        ("/site/greet/__init__.py", "greet/__init__.py:14"),
        ("extension.py", "/extension.py:14"),
        ("<unknown>", "<unknown>:14"),
    ],
)
def test_a_place_is_told_by_the_name_that_tells_most(file, shown):
    assert place(file, 14) == shown.removeprefix("/")
