import pytest

from socketify_ext.sdk.provenance import location


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
def test_a_location_names_the_package_where_every_package_has_such_a_file(file, shown):
    assert location(file, 14) == shown.removeprefix("/")
