"""Deprecated members: every place that uses one is told once, and nobody else pays or hears of it."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import warnings
from types import FunctionType

import pytest

import socketify_ext
from socketify_ext.errors import DeclarationError
from socketify_ext.sdk.compilation import compile_attributes, compile_classes
from socketify_ext.sdk.declaration import as_extension
from socketify_ext.sdk.resolution import resolve
from socketify_ext.testing import extension_app, fake_request, fake_response

BASES = {"request": type("Request", (), {}), "response": type("Response", (), {}), "ws": type("WebSocket", (), {})}


@socketify_ext.extension("shop")
def shop(request, response, ws):
    """Sell."""

    @request.method(deprecated="use find; gone in 2.0")
    def search(self, name, *, limit=10):
        """Find."""
        return f"{name} {limit}"

    @request.method(deprecated="use find; gone in 2.0")
    async def search_later(self):
        return "later"

    request.method(len, name="length", deprecated="use count")
    request.property("unit", "kg", deprecated="use units; gone in 2.0")
    request.property("items", default_factory=list, deprecated="use goods")
    request.property("callback", print, deprecated="use call")

    @request.property(deprecated="use sum; gone in 2.0")
    def total(self):
        return [1]

    @request.method
    def find(self):
        return "found"

    request.property("units", "kg")


def compiled(extension=shop):
    spec = as_extension(extension).declare().spec
    return compile_classes(compile_attributes(resolve([spec])), BASES)["request"]


@pytest.fixture
def request_():
    return compiled()()


def told(caught):
    return [(str(each.message), each.filename, each.lineno) for each in caught]


def line_of_this():
    return inspect.currentframe().f_back.f_lineno


def test_a_call_warns_its_line_with_the_provider_its_line_and_what_to_use(request_):
    with pytest.warns(DeprecationWarning, match="shop") as caught:
        found = request_.search("tea", limit=2), line_of_this()
    declared = shop.declare().spec.by_name["request", "search"].provenance.location
    text = f"request.search of extension 'shop' ({declared}) is deprecated: use find; gone in 2.0"
    assert (found[0], told(caught)) == ("tea 2", [(text, __file__, found[1])])


@pytest.mark.parametrize(
    ("use", "value"),
    [
        (lambda request: asyncio.run(request.search_later()), "later"),
        (lambda request: request.unit, "kg"),
        (lambda request: request.items, []),
        (lambda request: request.callback, print),
        (lambda request: request.total, [1]),
        (lambda request: setattr(request, "unit", "lb"), None),
        (lambda request: setattr(request, "total", 3), None),
    ],
)
def test_every_use_of_every_kind_of_member_warns_its_own_line(request_, use, value):
    with pytest.warns(DeprecationWarning, match="is deprecated: use ") as caught:
        assert use(request_) == value
    assert told(caught) == [(told(caught)[0][0], __file__, use.__code__.co_firstlineno)]


def test_a_builtin_warns():
    kind = compiled()
    kind.__len__ = lambda self: 3
    with pytest.warns(DeprecationWarning, match="use count"):
        assert kind().length() == 3


def test_a_place_is_told_once_and_another_place_again(request_):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            request_.search("tea")
            request_.search("milk")
    assert len(caught) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_property_behaves_as_it_did(request_):
    request_.items.append(1)
    assert request_.items == [1]
    assert type(request_)().items == []
    request_.unit = "lb"
    assert request_.unit == "lb"
    del request_.unit
    assert request_.unit == "kg"
    assert request_.total is request_.total


def test_others_are_compiled_as_ever_and_hear_nothing(request_):
    kind = type(request_)
    assert type(vars(kind)["find"]) is FunctionType
    assert vars(kind)["find"].__code__.co_name == "find"
    assert vars(kind)["units"] == "kg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (request_.find(), request_.units) == ("found", "kg")
        assert compiled().search is not None  # the class says nothing, so that tools may look at it


def test_the_extension_s_function_is_left_alone():
    function = shop.declare().spec.by_name["request", "search"].function
    compiled()
    assert not hasattr(function, "__deprecated__")
    assert function.__name__ == compiled().search.__name__ == "search"


def test_an_async_method_is_one_where_python_can_say_so():
    assert inspect.iscoroutinefunction(compiled().search_later) is (sys.version_info >= (3, 12))


@pytest.mark.parametrize("text", [True, "", "  ", 3, b"x"])
@pytest.mark.parametrize("kind", ["method", "property", "computed"])
def test_what_tells_nothing_is_refused_where_it_is_declared(text, kind):
    def extension(request, response, ws):
        if kind == "method":
            request.method(lambda self: 1, name="old", deprecated=text)
        elif kind == "property":
            request.property("old", 1, deprecated=text)
        else:
            request.property(lambda self: 1, name="old", deprecated=text)

    with pytest.raises(
        DeclarationError, match=r"adds request.old: deprecated=.* tells callers nothing\. Tell what"
    ) as caught:
        as_extension(extension).declare()
    assert "test_deprecation.py:" in str(caught.value)


def test_a_renamed_member_warns_under_its_name_and_an_override_of_it_does_not():
    renamed = compiled(shop.renamed(search="seek"))()
    with pytest.warns(DeprecationWarning, match=r"request\.seek of "):
        renamed.seek("tea")

    @socketify_ext.extension("own", after=["shop"])
    def own(request, response, ws):
        request.method(lambda self: "own", name="search", override=True)
        request.property("unit", "own", override=True)

    specs = [each.declare().spec for each in (shop, own)]
    request = compile_classes(compile_attributes(resolve(specs)), BASES)["request"]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (request.search(), request.unit) == ("own", "own")


def test_fakes_warn_as_the_server_does():
    with pytest.warns(DeprecationWarning, match="use find"):
        assert fake_request(shop).search("tea") == "tea 10"


APP = """
import socketify, socketify_ext, httpx2, threading

@socketify_ext.extension("shop")
def shop(request, response, ws):
    request.property("unit", "kg", deprecated="use units; gone in 2.0")
    request.method(lambda self: "tea", name="search", deprecated="use find; gone in 2.0")

app = {app}
app.register(shop)

def home(res, req):
    res.end(req.search() + req.unit)

app.get("/", home)

def listening(config):
    def ask():
        print([httpx2.get(f"http://127.0.0.1:{{config.port}}/").text for _ in range(3)])
        app.close()
    threading.Thread(target=ask).start()

app.listen(socketify.AppListenOptions(port=0, host="127.0.0.1"), listening)
app.run()
"""


@pytest.mark.parametrize("app", ["socketify_ext.App()", "socketify.App()"])
def test_requests_of_both_apps_warn_the_handler_s_line_once(tmp_path, app):
    (tmp_path / "main.py").write_text(APP.format(app=app))
    done = subprocess.run(
        [sys.executable, "main.py"], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60
    )
    assert done.stdout == "['teakg', 'teakg', 'teakg']\n", done.stderr
    shown = [line for line in done.stderr.splitlines() if "DeprecationWarning" in line]
    assert [line.partition(": DeprecationWarning")[0] for line in shown] == [f"{tmp_path}/main.py:13"] * 2
    assert "(main.py:6) is deprecated: use units; gone in 2.0" in done.stderr


def test_a_deprecated_response_method_still_answers():
    @socketify_ext.extension("old")
    def old(request, response, ws):
        response.method(lambda self: self.end("old"), name="send_old", deprecated="use end")

    response = fake_response(old)
    with pytest.warns(DeprecationWarning, match="use end"):
        response.send_old()
    assert response.recorded.text == "old"
    assert extension_app(old) is not None
