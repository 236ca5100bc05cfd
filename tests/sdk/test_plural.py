import pytest

from socketify_ext.sdk.plural import counted


@pytest.mark.parametrize(("number", "shown"), [(0, "0 routes"), (1, "1 route"), (2, "2 routes"), (21, "21 routes")])
def test_one_thing_is_singular_and_all_other_numbers_are_not(number, shown):
    assert counted(number, "route") == shown
