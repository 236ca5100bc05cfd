from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import os
import threading
import uuid
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import ValidationError

from socketify_ext.errors import DeclarationError, MemberNameError, PropertyError, SignatureError
from socketify_ext.sdk.provenance import Provenance
from socketify_ext.sdk.signature import SignatureSpec
from socketify_ext.sdk.spec import (
    ComputedSpec,
    ExtensionSpec,
    MethodSpec,
    PropertySpec,
    Requirement,
    is_immutable,
    validate,
)

if TYPE_CHECKING:
    from nowhere import OnlyForTypeCheckers

HERE = Provenance(extension="shop", file="/src/shop.py", line=7)


def method(function, name="member"):
    values = {"target": "request", "name": name, "function": function, "provenance": HERE}
    return validate(MethodSpec, HERE, f"adds request.{name}", values)


def prop(name="member", **values):
    values |= {"target": "request", "name": name, "provenance": HERE}
    return validate(PropertySpec, HERE, f"adds request.{name}", values)


def computed(function, **values):
    values = {"target": "request", "name": "member", "function": function, "provenance": HERE} | values
    return validate(ComputedSpec, HERE, "adds request.member", values)


def signature(function):
    return validate(SignatureSpec, HERE, "has a wrong signature", {"function": function})


def extension_spec(**values):
    return validate(ExtensionSpec, HERE, "is malformed", {"name": "shop", "provenance": HERE} | values)


@pytest.mark.parametrize(
    ("distribution", "version", "shown"),
    [
        (None, None, "'shop' (shop.py:7)"),
        ("socketify-ext", "0.1.0", "'shop' (built-in, shop.py:7)"),
        ("socketify-ext-shop", "1.2", "'shop' (socketify-ext-shop 1.2, shop.py:7)"),
    ],
)
def test_provenance_shows_where_an_extension_comes_from(distribution, version, shown):
    assert str(dataclasses.replace(HERE, distribution=distribution, version=version)) == shown


def test_specs_are_frozen():
    spec = extension_spec()
    with pytest.raises(ValidationError):
        spec.name = "other"


@pytest.mark.parametrize("name", ["a", "msgpack", "rate-limit", "a.b_c", "extension~2", "größe", "2fa"])
def test_an_extension_name_may_be(name):
    assert extension_spec(name=name).name == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "dist:name", "a\n", "<lambda>", None, 3])
def test_an_extension_name_may_not_be(name):
    with pytest.raises(DeclarationError, match="is not an extension name"):
        extension_spec(name=name)


@pytest.mark.parametrize(
    ("text", "version", "fits"),
    [
        ("auth", None, True),
        ("auth", "1.0", True),
        ("auth>=1", "1.0", True),
        ("auth>=1", "0.9", False),
        ("auth>=1", None, False),
        ("auth>=1,<2", "1.9", True),
        ("auth >=1, <2", "2.0", False),
        ("auth>=1", "2.0rc1", True),
        ("auth>=1", "unknown", False),
    ],
)
def test_a_requirement_accepts_the_versions_that_fit(text, version, fits):
    (requirement,) = extension_spec(requires=(text,)).requires
    assert requirement.name == "auth"
    assert requirement.accepts(version) is fits


@pytest.mark.parametrize("text", ["", "auth=>1", ">=1", "auth>=one", None, 3, b"auth"])
def test_a_malformed_requirement_is_refused(text):
    with pytest.raises(DeclarationError, match="is not a requirement"):
        extension_spec(requires=(text,))


@pytest.mark.parametrize("text", ["auth[jwt]", "auth; python_version>'3'", "auth @ https://example.org/auth.whl"])
def test_a_requirement_holds_a_name_and_versions_only(text):
    with pytest.raises(DeclarationError, match="more than a name and a version"):
        extension_spec(requires=(text,))


def test_a_requirement_shows_as_it_was_written():
    assert str(Requirement(name="auth", specifier=">=1")) == "auth>=1"


class Callables:
    def method(self, request, response, ws):
        pass

    def __call__(self, request, response, ws):
        pass


def bare(request, response, ws):
    pass


def injecting(request, response, ws, *, options, app):
    pass


@functools.wraps(bare)
def decorated(*args, **kwargs):
    return bare(*args, **kwargs)


@pytest.mark.parametrize(
    ("function", "injected"),
    [
        (bare, ()),
        (lambda request, response, ws: None, ()),
        (lambda a, b, c: None, ()),
        (lambda app, options, ws: None, ()),
        (Callables().method, ()),
        (Callables(), ()),
        (decorated, ()),
        (functools.partial(bare), ()),
        (injecting, ("options", "app")),
    ],
)
def test_a_signature_may_be(function, injected):
    assert signature(function).injected == injected


async def coroutine(request, response, ws):
    pass


async def asynchronous_generator(request, response, ws):
    yield


def generator(request, response, ws):
    yield


class AsynchronousCallable:
    async def __call__(self, request, response, ws):
        pass


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (None, "a NoneType can't be called"),
        ("auth", "a str can't be called"),
        (Callables, "a class is not an extension function"),
        (lambda: None, r"takes 0 positional parameters \(none\), not three"),
        (lambda request, response: None, r"takes 2 positional parameters \(request, response\), not three"),
        (lambda a, b, c, d=None: None, r"takes 4 positional parameters \(a, b, c, d\), not three"),
        (lambda *args: None, r"takes \*args"),
        (lambda a, b, c, **options: None, r"takes \*\*options"),
        (lambda a, b, c, *, opts, registry: None, r"keyword-only opts, registry can't be injected"),
        (coroutine, "is a coroutine function"),
        (functools.partial(coroutine), "is a coroutine function"),
        (AsynchronousCallable(), "is a coroutine function"),
        (asynchronous_generator, "is a coroutine function"),
        (generator, "is a generator function"),
        (iter, "signature can't be read"),
    ],
)
def test_a_signature_may_not_be(function, why):
    with pytest.raises(SignatureError, match=why):
        signature(function)


@pytest.mark.parametrize("name", ["user", "get_user", "match", "größe", "x2"])
def test_a_member_name_may_be(name):
    assert method(lambda self: None, name).name == name
    assert prop(name, default=None).name == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "'' is not an identifier"),
        ("get user", "'get user' is not an identifier"),
        ("2nd", "'2nd' is not an identifier"),
        ("<lambda>", "'<lambda>' is not an identifier"),
        (None, "None is not an identifier"),
        (3, "3 is not an identifier"),
        ("class", "'class' is a Python keyword"),
        ("None", "'None' is a Python keyword"),
        ("_user", "'_user' is not public"),
        ("__init__", "'__init__' is not public"),
    ],
)
def test_a_member_name_may_not_be(name, why):
    with pytest.raises(MemberNameError, match=why):
        method(lambda self: None, name)
    with pytest.raises(MemberNameError, match=why):
        prop(name, default=None)


async def awaited(self):
    pass


@pytest.mark.parametrize("function", [lambda self: 1, lambda self, /: 1, lambda *args: 1, awaited, decorated, len])
def test_a_method_may_be(function):
    assert method(function).function is function


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda: 1, "takes no self"),
        (lambda *, key: 1, "takes no self"),
        (lambda **options: 1, "takes no self"),
        (os.getpid, "takes no self"),
        ("get_user", "a str is not a method"),
        (None, "a NoneType is not a method"),
        (staticmethod(len), "a staticmethod is not a method"),
        (classmethod(bare), "a classmethod is not a method"),
        (functools.partial(bare), "a partial object is not a function"),
        (Callables(), "a Callables object is not a function"),
        (Callables, "a type object is not a function"),
        (Callables().method, "a method object is not a function"),
    ],
)
def test_a_method_may_not_be(function, why):
    with pytest.raises(SignatureError, match=why):
        method(function)


def test_what_is_wrong_with_a_method_comes_before_what_is_wrong_with_its_name():
    with pytest.raises(SignatureError, match="a partial object is not a function"):
        method(functools.partial(bare), "functools.partial(...)")


def unevaluated(self, other: OnlyForTypeCheckers) -> list[str]:
    """Say it.

    And more.
    """


def raising_annotation(self, other: datetime.nowhere) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        (lambda self: 1, "()"),
        (lambda self, value, status=200: 1, "(value, status=200)"),
        (awaited, "()"),
        (unevaluated, "(other: 'OnlyForTypeCheckers') -> 'list[str]'"),
        (raising_annotation, "(other: 'datetime.nowhere') -> 'None'"),
        (len, "()"),
        (isinstance, "(class_or_tuple, /)"),
        (getattr, "(...)"),
    ],
)
def test_a_method_shows_its_parameters_after_self(function, shown):
    assert method(function).signature == shown


def test_a_method_tells_whether_it_is_awaited_and_what_it_does():
    assert method(awaited).is_async
    assert not method(unevaluated).is_async
    assert method(unevaluated).doc == "Say it."
    assert method(awaited).doc == ""


class Colour(enum.Enum):
    RED = ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        1.5,
        "a",
        b"a",
        (),
        (1, ("a",)),
        frozenset({1}),
        Colour.RED,
        decimal.Decimal(1),
        uuid.UUID(int=1),
        datetime.date(2026, 1, 1),
    ],
)
def test_immutable_is(value):
    assert is_immutable(value)


class Text(str):
    __slots__ = ("mutable",)


@pytest.mark.parametrize("value", [[], {}, set(), bytearray(), ([],), object(), Text(), print])
def test_immutable_is_not(value):
    assert not is_immutable(value)


class Plain:
    pass


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"default": 1, "type": int}, ": int = 1"),
        ({"default": [], "type": list[str]}, ": list[str] = []"),
        ({"default": "a", "type": Literal["a", "b"]}, ": Literal['a', 'b'] = 'a'"),
        ({"default": None, "type": Plain | None}, f": {__name__}.Plain | None = None"),
        ({"default_factory": list, "type": list[str]}, ": list[str] = list()"),
        ({"default_factory": functools.partial(list)}, " = factory()"),
        ({"default_factory": collections.OrderedDict}, " = OrderedDict()"),
        ({"default": 1, "type": Any}, ": Any = 1"),
        ({"default": print}, f" = {print!r}"),
    ],
)
def test_a_property_may_be(values, shown):
    assert prop(**values).signature.replace("typing.", "") == shown


def test_a_property_of_any_class_takes_its_instances():
    value = Plain()
    assert prop(default=value, type=Plain).default is value


async def fetch():
    pass


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"default": 1, "default_factory": list}, "a default and a default_factory"),
        ({"default": None, "default_factory": list}, "a default and a default_factory"),
        ({"default": "1", "type": int}, "default '1' is not of type int"),
        ({"default": [1], "type": list[str]}, r"default \[1\] is not of type list\[str\]"),
        ({"default": None, "type": Plain}, r"default None is not of type .*Plain .*type=.*Plain \| None"),
        ({"default": threading.Lock()}, "can't be copied for each object"),
        ({"default": 1, "type": 3}, "type=3 is not an annotation"),
        ({"default": 1, "type": "Nowhere"}, "type='Nowhere' is not an annotation"),
        ({"default_factory": list, "type": "Nowhere"}, "type='Nowhere' is not an annotation"),
        ({"default_factory": []}, "its default_factory, a list, can't be called"),
        ({"default_factory": lambda request: []}, "its default_factory needs arguments"),
        ({"default_factory": fetch}, "its default_factory is a coroutine function"),
    ],
)
def test_a_property_may_not_be(values, why):
    with pytest.raises(PropertyError, match=why):
        prop(**values)


def annotated(annotation):
    def member(self):
        pass

    member.__annotations__["return"] = annotation
    return member


async def fetched(self) -> Plain | None:
    pass


@pytest.mark.parametrize(
    ("function", "values", "shown"),
    [
        (annotated(int), {}, ": int"),
        (annotated("int"), {}, ": int"),
        (annotated("OnlyForTypeCheckers"), {}, ": OnlyForTypeCheckers"),
        (annotated(list[str]), {}, ": list[str]"),
        (annotated(int), {"type": str}, ": str"),
        (annotated(None), {}, ": None"),
        (lambda self: 1, {}, ""),
        (lambda self, more=1: 1, {}, ""),
        (lambda *all: 1, {}, ""),
        (len, {}, ""),
        (fetched, {}, f": Awaitable[{__name__}.Plain | None]"),
        (fetched, {"type": int}, ": Awaitable[int]"),
        (asyncio.sleep, {}, ": Awaitable[Any]"),
    ],
)
def test_a_computed_property_may_be(function, values, shown):
    assert computed(function, **values).signature == shown


class Computing:
    def __call__(self, request):
        pass


def generated(self):
    yield 1


async def generated_late(self):
    yield 1


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (3, "a int is not a function"),
        (Plain, "a type is not a function"),
        (Computing(), "a Computing is not a function"),
        (functools.partial(len, []), "a partial is not a function"),
        (property(len), "a property is not a function"),
        (staticmethod(len), "a staticmethod is not a function"),
        (classmethod(len), "a classmethod is not a function"),
        (generated, "a generator function"),
        (generated_late, "a generator function"),
        (lambda: 1, r"called with self alone, and takes \(\)"),
        (lambda self, key: 1, r"takes \(self, key\).*Write it as def name\(self\)"),
        (lambda self, *, key: 1, r"takes \(self, \*, key\)"),
        (lambda *, self: 1, "called with self alone"),
        (isinstance, "called with self alone"),
    ],
)
def test_a_function_that_can_not_compute_a_property_is_refused(function, why):
    with pytest.raises(SignatureError, match=why):
        computed(function)


@pytest.mark.parametrize("name", ["_user", "class", "a b", "", None, 3, "__slots__"])
def test_a_computed_property_has_a_public_name(name):
    with pytest.raises(MemberNameError):
        computed(lambda self: 1, name=name)


@pytest.mark.parametrize("annotation", [3, "Nowhere", "1 +"])
def test_the_type_of_a_computed_property_is_an_annotation(annotation):
    with pytest.raises(PropertyError, match="is not an annotation"):
        computed(lambda self: 1, type=annotation)


def test_an_extension_adds_each_member_once():
    members = (method(lambda self: 1, "user"), prop("user", default=None))
    with pytest.raises(MemberNameError, match=r"adds request\.user twice \(shop\.py:7 and shop\.py:7\)"):
        extension_spec(members=members)


def test_an_invalid_spec_reports_who_what_why_and_the_fix():
    with pytest.raises(SignatureError) as caught:
        signature(asyncio.sleep)
    error = caught.value
    assert (error.who, error.what) == ("extension 'shop' (shop.py:7)", "has a wrong signature")
    assert error.why == "it is a coroutine function, and registration awaits nothing"
    assert error.fix.startswith("Write it as def extension(request, response, ws)")
    assert str(error) == f"[EXT101] {error.who} {error.what}: {error.why}. {error.fix}."
