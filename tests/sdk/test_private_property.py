from __future__ import annotations

from types import SimpleNamespace

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
