from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from socketify_ext.errors import DeclarationError, MemberNameError, PropertyError, SignatureError
from socketify_ext.sdk.provenance import Provenance, source_location
from socketify_ext.sdk.spec import MISSING
from socketify_ext.sdk.surface import Recording, Surface


@pytest.fixture
def recording():
    return Recording()


@pytest.fixture
def members(recording):
    return recording.members


@pytest.fixture
def surface(recording):
    return Surface("request", Provenance("shop", "shop.py", 1, "socketify-ext-shop", "1.2", "till"), recording)


def here(offset=0):
    return inspect.currentframe().f_back.f_lineno + offset


def test_method_works_bare(surface, members):
    @surface.method
    def get_user(self):
        return 1

    (member,) = members
    assert (member.kind, member.target, member.name, member.override) == ("method", "request", "get_user", False)
    assert member.function is get_user


def test_method_works_with_arguments(surface, members):
    @surface.method(name="user", override=True)
    def get_user(self):
        return 1

    (member,) = members
    assert (member.name, member.override, member.function) == ("user", True, get_user)


def test_method_works_as_a_call(surface, members):
    surface.method(lambda self: 1, name="one")
    surface.method(len, name="size")
    assert [member.name for member in members] == ["one", "size"]


def test_members_know_where_they_come_from(surface, members):
    def get_user(self):
        pass

    line = here(-3)
    surface.method(get_user)
    surface.method(len, name="size")
    surface.method(name="width")(len)
    surface.property("cart")
    assert [member.provenance.line for member in members] == [line, here(-3), here(-2), here(-1)]
    for member in members:
        provenance = member.provenance
        assert Path(provenance.file) == Path(__file__)
        assert provenance.extension == "shop"
        assert provenance.distribution == "socketify-ext-shop"
        assert provenance.version == "1.2"
        assert provenance.required_by == "till"


@pytest.mark.parametrize("function", [lambda self: 1, len])
def test_lambdas_and_builtins_need_a_name(surface, members, function):
    with pytest.raises(MemberNameError, match='name="'):
        surface.method(function)
    assert members == []


@pytest.mark.parametrize("function", ["get_user", 3, type(print)])
def test_what_is_no_function_is_refused(surface, members, function):
    with pytest.raises(SignatureError, match="is not a"):
        surface.method(function)
    assert members == []


def test_a_wrong_member_is_named_with_its_extension_and_line(surface):
    with pytest.raises(MemberNameError) as caught:

        @surface.method
        def _secret(self):
            pass

    text = str(caught.value)
    assert text.startswith("[EXT102] extension 'shop' (socketify-ext-shop 1.2, test_surface.py:")
    assert "adds request._secret: '_secret' is not public. " in text


def test_property_takes_a_default_by_position_by_name_and_by_the_name_of_the_core(surface, members):
    surface.property("first", 1)
    surface.property("second", default=2)
    surface.property("third", default_value=3)
    surface.property("fourth")
    assert [member.default for member in members] == [1, 2, 3, None]


def test_property_takes_a_factory_a_type_and_override(surface, members):
    surface.property("cart", default_factory=list, type=list[str], override=True)
    (member,) = members
    assert member.default is MISSING
    assert (member.default_factory, member.type, member.override) == (list, list[str], True)


def test_property_takes_one_default(surface, members):
    with pytest.raises(PropertyError, match="a default and a default_value"):
        surface.property("user", 1, default_value=2)
    with pytest.raises(PropertyError, match="a default and a default_factory"):
        surface.property("user", None, default_factory=list)
    assert members == []


def test_property_works_bare_above_a_function(surface, members):
    @surface.property
    def user(self) -> int:
        """Return the user."""
        return 1

    (member,) = members
    assert (member.kind, member.target, member.name, member.override) == ("computed", "request", "user", False)
    assert (member.function, member.type, member.signature, member.doc) == (user, None, ": int", "Return the user.")
    assert (Path(member.provenance.file), member.provenance.line) == (Path(__file__), here(-8))


def test_property_works_with_arguments_above_a_function(surface, members):
    @surface.property(name="user", type=str, override=True)
    async def get_user(self):
        return 1

    (member,) = members
    assert (member.name, member.type, member.override, member.function) == ("user", str, True, get_user)
    assert (member.is_async, member.signature) == (True, ": Awaitable[str]")


def test_property_works_as_a_call_of_a_function(surface, members):
    surface.property(lambda self: 1, name="one")
    surface.property(len, name="size")
    surface.property(name="width")(len)
    assert [(member.name, member.kind) for member in members] == [
        ("one", "computed"),
        ("size", "computed"),
        ("width", "computed"),
    ]
    assert members[1].provenance.line == here(-7)


def test_property_takes_the_name_as_the_core_does(surface, members):
    surface.property(name="first", default_value=1)
    surface.property(name="second", default_factory=list)
    assert [(member.name, member.kind) for member in members] == [("first", "property"), ("second", "property")]


@pytest.mark.parametrize("function", [lambda self: 1, len])
def test_a_computed_property_needs_a_name_too(surface, members, function):
    with pytest.raises(MemberNameError, match='name="'):
        surface.property(function)
    assert members == []


def test_a_property_has_one_name_and_one_way_to_a_value(surface, members):
    with pytest.raises(PropertyError, match=r"\(socketify-ext-shop 1\.2, test_surface\.py:.*a function and a default"):
        surface.property(lambda self: 1, 1, name="user")
    with pytest.raises(PropertyError, match="a function and a default"):
        surface.property(lambda self: 1, default_factory=list, name="user")
    with pytest.raises(MemberNameError, match="two names, 'a' and 'b'"):
        surface.property("a", 1, name="b")
    with pytest.raises(MemberNameError, match="None is not an identifier"):
        surface.property(default=1)
    assert members == []


def test_a_property_with_a_default_stands_above_no_function(surface):
    with pytest.raises(SignatureError, match=r'Write @request\.property\(name="user"\)') as caught:

        @surface.property("user")
        def user(self):
            pass

    assert "(socketify-ext-shop 1.2, test_surface.py:" in str(caught.value)


@pytest.mark.parametrize(
    ("use", "fix"),
    [
        (lambda surface: surface.property(name="user"), r'Write it above a function, or property\("user", None\)'),
        (lambda surface: surface.property(), "Write it above a function"),
        (lambda surface: surface.method(name="user"), "Write it above a function"),
    ],
)
def test_a_decorator_that_stands_above_nothing_is_an_error(surface, recording, use, fix):
    use(surface)
    with pytest.raises(DeclarationError, match=rf"test_surface\.py:\d+\) calls request\.\w+\(\.\.\.\): .*{fix}"):
        recording.close()


def test_a_decorator_may_be_used_twice(surface, recording, members):
    same = surface.property(type=int)
    for name in ("first", "second"):
        function = eval("lambda self: 1")  # noqa: S307 - a fresh one
        function.__name__ = name
        same(function)
    recording.close()
    assert [member.name for member in members] == ["first", "second"]


def test_a_surface_takes_members_only_while_it_is_open(surface, recording, members):
    surface.property("cart")
    recording.is_open = False
    with pytest.raises(DeclarationError, match=r"adds request\.user: its extension function has returned"):
        surface.property("user")
    with pytest.raises(DeclarationError):
        surface.method(lambda self: 1, name="user")
    assert [member.name for member in members] == ["cart"]


class Counter:
    def __call__(self):
        pass


def test_source_location_finds_the_line_of_a_callable():
    def function():
        pass

    assert source_location(function) == (__file__, here(-3))
    assert source_location(Counter()) == (__file__, Counter.__call__.__code__.co_firstlineno)
    assert source_location(len) == ("<unknown>", 0)
