from __future__ import annotations

from types import SimpleNamespace

import pytest

from socketify_ext import PrivateProperty


def test_each_object_has_a_value_of_its_own():
    seen = PrivateProperty("seen", 0)
    first, second = SimpleNamespace(), SimpleNamespace()
    seen.set(first, 1)
    assert (seen.get(first), seen.get(second)) == (1, 0)


def test_two_properties_of_one_name_do_not_meet():
    one, other = PrivateProperty("seen", 0), PrivateProperty("seen", 0)
    owner = SimpleNamespace()
    one.set(owner, 1)
    assert (one.get(owner), other.get(owner)) == (1, 0)


def test_a_factory_makes_a_value_for_each_object_on_first_use():
    seen = PrivateProperty("seen", default_factory=list)
    first, second = SimpleNamespace(), SimpleNamespace()
    seen.get(first).append(1)
    assert (seen.get(first), seen.get(second)) == ([1], [])


def test_none_is_a_default_and_not_the_lack_of_one():
    assert PrivateProperty("user", None).get(SimpleNamespace()) is None


@pytest.mark.parametrize("given", [{}, {"default": 1, "default_factory": list}])
def test_it_takes_a_default_or_a_factory(given):
    with pytest.raises(TypeError, match="one of the two"):
        PrivateProperty("seen", **given)
