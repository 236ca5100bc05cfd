from __future__ import annotations

import enum
import functools
import threading

import pytest

from socketify_ext.sdk.compilation import compile_attributes, compile_classes
from socketify_ext.sdk.declaration import as_extension
from socketify_ext.sdk.resolution import resolve


class Request:
    """A request."""

    def url(self):
        return "/"


class Response:
    pass


class WebSocket:
    pass


BASES = {"request": Request, "response": Response, "ws": WebSocket}


def compiled(function):
    return compile_classes(compile_attributes(resolve([as_extension(function).declare().spec])), BASES)


def request_with(**properties):
    def extension(request, response, ws):
        for name, default in properties.items():
            request.property(name, default)

    return compiled(extension)["request"]


def test_each_target_gets_one_subclass_that_looks_like_its_base():
    classes = compiled(lambda request, response, ws: None)
    assert {target: kind.__base__ for target, kind in classes.items()} == BASES
    kind = classes["request"]
    assert (kind.__name__, kind.__qualname__, kind.__module__) == ("Request", "Request", __name__)
    assert kind.__doc__ == "A request."
    assert kind().url() == "/"


def test_members_are_put_on_their_target_only():
    @compiled
    def classes(request, response, ws):
        request.property("a")
        response.property("b")
        ws.property("c")

    found = {(target, name) for target, kind in classes.items() for name in "abc" if hasattr(kind, name)}
    assert found == {("request", "a"), ("response", "b"), ("ws", "c")}
    assert not hasattr(Request, "a")


def test_a_method_is_the_function_itself():
    def shout(self, text):
        return self.url() + text

    kind = compiled(lambda request, response, ws: request.method(shout))["request"]
    assert vars(kind)["shout"] is shout
    assert kind().shout("!") == "/!"


def test_lambdas_and_builtins_bind_as_methods():
    @compiled
    def classes(request, response, ws):
        request.method(lambda self, value: (self, value), name="pair")
        request.method(repr, name="shown")
        request.method(isinstance, name="is_a")

    request = classes["request"]()
    assert request.pair(1) == (request, 1)
    assert request.shown() == repr(request)
    assert request.is_a(Request)


def test_an_override_replaces_the_base_s_method():
    @compiled
    def classes(request, response, ws):
        @request.method(override=True)
        def url(self):
            return "/other"

    assert classes["request"]().url() == "/other"
    assert Request().url() == "/"


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize("default", [None, 1, "a", (1, "b"), frozenset({1}), Colour.RED])
def test_an_immutable_default_is_a_class_attribute(default):
    kind = request_with(member=default)
    assert vars(kind)["member"] is default
    assert vars(kind()) == {}


@pytest.mark.parametrize("default", [[], {}, set(), [[1]], {"a": []}, ([],), bytearray(b"a")])
def test_a_mutable_default_is_made_afresh_for_each_object(default):
    kind = request_with(member=default)
    first, second = kind(), kind()
    assert first.member == second.member == default
    assert first.member is first.member
    assert first.member is not second.member
    assert first.member is not default


def test_nothing_inside_a_default_is_shared():
    kind = request_with(member={"a": []})
    kind().member["a"].append(1)
    assert kind().member == {"a": []}


def test_a_default_is_as_it_was_declared():
    default = [1]
    kind = request_with(member=default)
    default.append(2)
    assert kind().member == [1]


def test_a_value_is_assigned_to_one_object():
    kind = request_with(number=1, items=[], call=print)
    first = kind()
    first.number, first.items, first.call = 2, [3], repr
    assert (first.number, first.items, first.call) == (2, [3], repr)
    second = kind()
    assert (second.number, second.items, second.call) == (1, [], print)


def test_a_factory_is_called_once_for_each_object_that_is_asked():
    made = []

    def factory():
        made.append(object())
        return made[-1]

    kind = compiled(lambda request, response, ws: request.property("member", default_factory=factory))["request"]
    first, second = kind(), kind()
    assert made == []
    assert [first.member, first.member, second.member] == [made[0], made[0], made[1]]
    assert len(made) == 2


@pytest.mark.parametrize("default", [print, lambda request: 1, dict, staticmethod(repr).__func__])
def test_a_function_as_default_is_a_value_and_no_method(default):
    assert request_with(member=default)().member is default


class Counter:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


@pytest.mark.parametrize("default", [Counter(), functools.partial(list, [1])])
def test_a_callable_object_with_state_is_made_afresh_too(default):
    kind = request_with(member=default)
    assert type(kind().member) is type(default)
    assert kind().member is not kind().member
    assert kind().member is not default


class Descriptor:
    def __get__(self, instance, owner=None):
        return "described"


def test_a_descriptor_as_default_is_a_value():
    assert isinstance(request_with(member=Descriptor())().member, Descriptor)
    assert isinstance(request_with(member=property(repr))().member, property)


def test_a_factory_may_share_on_purpose():
    lock = threading.Lock()
    kind = compiled(lambda request, response, ws: request.property("lock", default_factory=lambda: lock))["request"]
    assert kind().lock is kind().lock is lock


def test_what_the_class_shows_of_a_member_is_no_value_of_an_object():
    kind = request_with(items=[], call=print)
    assert not isinstance(kind.items, list)
    assert kind.call is not print
