"""Options of routes: what declares them, what their values must be, and what they do to a route."""

import pytest
from app_state import app_state, hooks_of, route_at
from pydantic import BaseModel, SecretStr

import socketify_ext
from socketify_ext.errors import DeclarationError, RouteError, RouteOptionError, SignatureError


def handler(res, req):
    res.end("x")


def declaring(name, option="auth", **arguments):
    @socketify_ext.extension(name)
    def declare(request, response, ws, *, app):
        app.route_option(option, **arguments)

    return declare


@pytest.fixture
def app():
    return socketify_ext.App()


# -- in any order


@pytest.mark.parametrize("option_first", [True, False])
@pytest.mark.parametrize("by", ["the app", "an extension"])
def test_an_option_is_validated_and_applied_once_whichever_comes_first(app, option_first, by):
    applied = []

    def declare():
        option = {"type": list[int], "apply": lambda route, value: applied.append((route.info, value))}
        if by == "the app":
            app.route_option("auth", **option)
        else:
            app.register(declaring("door", **option))

    if option_first:
        declare()
    app.get("/a", handler, auth=("1", 2))
    app.get("/b", handler)
    if not option_first:
        assert applied == []
        assert dict(app.routes[0].options) == {"auth": ("1", 2)}
        declare()
    app.before_request(print)
    app.scope("/x")
    ((info, value),) = applied
    assert (info.pattern, value, dict(info.options)) == ("/a", [1, 2], {"auth": [1, 2]})
    assert dict(app.routes[0].options) == {"auth": [1, 2]}
    assert dict(app.routes[1].options) == {}


def test_an_option_of_a_socket_and_of_a_folder_is_applied(app, tmp_path):
    applied = []
    app.route_option("auth", type=int, apply=lambda route, value: applied.append(str(route.info).split(" (")[0]))
    app.ws("/chat", {"message": print}, auth=1)
    app.static("/files", tmp_path, auth=1)
    app.any("/any", auth=1)(handler)
    assert applied == ["WS /chat", "GET /files/*", "HEAD /files/*", "ANY /any"]


def test_an_option_without_apply_is_mere_data(app):
    app.route_option("tags", type=set[str])
    app.get("/a", handler, tags=["x", "x"])
    assert dict(app.routes[0].options) == {"tags": {"x"}}
    assert route_at(app, "/a").handler is handler


def test_what_a_model_says_holds_for_the_value(app):
    class Limit(BaseModel):
        rate: int

    app.route_option("limit", type=Limit)
    app.get("/a", handler, limit={"rate": "5"})
    assert app.routes[0].options["limit"] == Limit(rate=5)


# -- what does not fit


def test_a_value_of_the_wrong_type_names_the_line_of_its_route(app):
    app.route_option("auth", type=list[int])
    before = app_state(app)
    with pytest.raises(RouteOptionError) as caught:
        app.get("/a", handler, auth=["x"])
    line = caught.traceback[0].lineno + 1
    assert f"route GET /a (test_route_option.py:{line}) has auth=...: 0: Input should be a valid integer" in str(
        caught.value
    )
    assert (caught.value.option, caught.value.route.pattern) == ("auth", "/a")
    assert app_state(app) == before


def test_a_value_is_not_quoted(app):
    app.route_option("key", type=int)
    with pytest.raises(RouteOptionError) as caught:
        app.get("/a", handler, key="a secret")
    assert "a secret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    app.route_option("word", type=SecretStr)
    app.get("/b", handler, word="a secret")
    assert "a secret" not in repr(app.routes)


def test_an_extension_that_an_earlier_route_does_not_fit_is_refused(app):
    app.get("/a", handler, auth="x")
    app.get("/b", handler, auth=1)
    before = app_state(app)
    with pytest.raises(RouteOptionError, match=r"route GET /a \(test_route_option\.py:\d+\) has auth=\.\.\."):
        app.register(declaring("door", type=int))
    assert app_state(app) == before
    app.register(declaring("door", type=str | int))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("auht", r"Did you mean 'auth'\?"),
        ("max_bdy", r"Did you mean 'max_body'\?"),
        ("zzz", r"Register the extension that declares it; there are auth, max_body"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_an_unknown_option_is_an_error_when_the_app_listens_and_at_once_afterwards(app, given, text, late):
    app.register(declaring("door"))
    name = rf"route GET /a \(test_route_option\.py:\d+\) has the option {given}: .*{text}"
    address = {"port": 0, "host": "127.0.0.1"}
    if not late:
        app.get("/a", handler, **{given: 1})
        with pytest.raises(RouteOptionError, match=name):
            app.listen(address)
        app.route_option(given)
    try:
        app.listen(address)
        if late:
            before = app_state(app)
            with pytest.raises(RouteOptionError, match=name):
                app.get("/a", handler, **{given: 1})
            assert app_state(app) == before
            app.get("/a", handler, auth=1)
    finally:
        app.close()


# -- what can't be declared


@pytest.mark.parametrize("name", ["path", "handler", "max_body", "behavior", "directory", "route", "self"])
def test_a_name_of_an_argument_is_refused(app, name):
    with pytest.raises(RouteOptionError, match=f"the route option {name}: route methods have an argument of that name"):
        app.route_option(name)


@pytest.mark.parametrize("name", ["", "a b", "class", "_x", "é-", None, 3, ["auth"], "a\n"])
def test_a_name_that_is_no_keyword_is_refused(app, name):
    before = app_state(app)
    with pytest.raises(RouteOptionError, match="is not a public keyword"):
        app.register(declaring("door", name))
    assert app_state(app) == before


def test_a_type_that_fails_names_the_route_and_changes_nothing(app):
    from typing import Annotated

    from pydantic import BeforeValidator

    def fail(value):
        raise LookupError("no table of rights")

    app.route_option("auth", type=Annotated[int, BeforeValidator(fail)])
    with pytest.raises(RouteOptionError, match=r"fails for the route GET /a .*LookupError: no table of rights"):
        app.get("/a", handler, auth=1)
    assert app.routes == ()


class Unreadable:
    def __get_pydantic_core_schema__(self, *arguments):
        raise MemoryError("no schema")


@pytest.mark.parametrize("annotation", ["no such type", 3, Unreadable()])
def test_what_is_not_a_type_is_refused(app, annotation):
    with pytest.raises(RouteOptionError, match=r"is not an annotation .*as in type=list\[str\]"):
        app.route_option("auth", type=annotation)


def test_any_class_is_a_type(app):
    class Own:
        pass

    own = Own()
    app.route_option("own", type=Own)
    app.get("/a", handler, own=own)
    assert app.routes[0].options["own"] is own
    with pytest.raises(RouteOptionError, match=r"instance of .*Own"):
        app.get("/b", handler, own=1)


async def later(route, value): ...


@pytest.mark.parametrize("apply", ["x", lambda: None, lambda route: None, later])
def test_what_can_not_be_applied_is_refused(app, apply):
    with pytest.raises(SignatureError, match=r"the app declares the route option auth.*\(route, value\)"):
        app.route_option("auth", apply=apply)


def test_two_that_declare_one_option_are_named_both(app):
    app.register(declaring("door"))
    before = app_state(app)
    with pytest.raises(
        RouteOptionError,
        match=r"extension 'gate' \(test_route_option.*declares the route option auth.*extension 'door' \(test_route_opt.*"
        r"declares it already .*Register one of the two, or each in a scope of its own",
    ):
        app.register(declaring("gate"))
    with pytest.raises(RouteOptionError, match=r"the app declares .*extension 'door' .* declares it already"):
        app.route_option("auth")
    assert app_state(app) == before
    app.route_option("other")
    with pytest.raises(RouteOptionError, match=r"extension 'two' .*the app declares it already"):
        app.register(declaring("two", "other"))


def test_an_extension_that_declares_an_option_twice_is_refused(app):
    @socketify_ext.extension("door")
    def door(request, response, ws, *, app):
        app.route_option("auth")
        app.route_option("auth")

    with pytest.raises(RouteOptionError, match="declares it already"):
        app.register(door)


# -- what an option does


def test_hooks_of_an_option_are_for_its_route_alone_and_stand_where_the_extension_does(app):
    def of(name, option=None, **order):
        def general(res, req): ...

        def single(res, req): ...

        general.__name__, single.__name__ = name, f"{name} {option}"

        @socketify_ext.extension(name, **order)
        def declare(request, response, ws, *, app):
            app.before_request(general)
            if option:
                app.route_option(option, apply=lambda route, value: route.before_request(single))

        return declare

    app.get("/a", handler, one=1, own=1)
    app.get("/b", handler)
    app.register(of("last", after=["*"]))
    app.register(of("middle", "one"))
    app.register(of("first", before=["middle"]))

    def own(res, req): ...

    app.before_request(own)

    def alone(res, req): ...

    app.route_option("own", apply=lambda route, value: route.before_request(alone))
    names = {route.pattern: [each.__name__ for each in hooks_of(route)] for route in app._server.routes}
    assert names == {
        "/a": ["first", "middle", "middle one", "last", "own", "alone"],
        "/b": ["first", "middle", "last", "own"],
    }


def test_a_route_without_options_keeps_its_own_handler(app):
    app.route_option("auth", apply=lambda route, value: route.before_request(lambda res, req: None))
    app.get("/a", handler)
    app.get("/b", handler, auth=1)
    assert route_at(app, "/a").handler is handler
    assert route_at(app, "/a").response_class is app._node.classes["response"]
    assert route_at(app, "/b").handler is not handler


def test_an_option_may_limit_the_body_unless_its_route_does(app):
    def apply(route, value):
        assert route.max_body is None
        route.max_body = value
        assert route.max_body == value

    app.route_option("size", type=int, apply=apply)
    app.post("/a", handler, size=5)
    app.post("/b", handler, size=5, max_body=7)
    app.post("/c", handler, max_body=7, size=5)
    assert [route.max_body for route in app._server.routes] == [5, 7, 7]


@pytest.mark.parametrize("limit", [-1, True, "5", 1.0])
def test_a_limit_that_is_no_number_of_bytes_is_refused(app, limit):
    def apply(route, value):
        route.max_body = limit

    app.route_option("size", apply=apply)
    with pytest.raises(RouteOptionError, match="is not a number of bytes"):
        app.post("/a", handler, size=1)
    assert app.routes == ()


def test_a_socket_has_no_body(app):
    def apply(route, value):
        route.max_body = 1

    app.route_option("size", apply=apply)
    with pytest.raises(RouteOptionError, match="a WebSocket has no body"):
        app.ws("/chat", {"message": print}, size=1)
    with pytest.raises(RouteError, match="a WebSocket has no body"):
        app.ws("/chat", {"message": print}, max_body=1)
    assert app.routes == ()


def test_what_fails_while_it_is_applied_names_the_route_and_changes_nothing(app):
    calls = []

    def apply(route, value):
        calls.append(value)
        route.before_request(print)
        app.get("/more", handler)
        raise LookupError("no such role")

    app.register(declaring("door", apply=apply))
    before = app_state(app)
    with pytest.raises(
        RouteOptionError, match=r"option auth of extension 'door' .* fails for the route GET /a"
    ) as caught:
        app.get("/a", handler, auth=1)
    assert isinstance(caught.value.__cause__, LookupError)
    assert "LookupError: no such role" in str(caught.value)
    assert app_state(app) == before
    assert calls == [1]


def test_a_route_may_be_changed_only_while_an_option_is_applied(app):
    kept = []
    app.route_option("auth", apply=lambda route, value: kept.append(route))
    app.get("/a", handler, auth=1)
    (route,) = kept
    with pytest.raises(DeclarationError, match=r"uses before_request of the route GET /a .*auth has returned"):
        route.before_request(print)
    with pytest.raises(DeclarationError, match="uses max_body"):
        route.max_body = 5
    assert not hasattr(route, "on_route")


def test_an_option_that_adds_routes_with_itself_without_end_is_refused(app):
    def apply(route, value):
        app.get(f"{route.info.pattern}x", handler, auth=1)

    app.route_option("auth", apply=apply)
    with pytest.raises(
        RouteError, match="it would do so without end: option auth of the app -> option auth of the app"
    ):
        app.get("/a", handler, auth=1)
    assert app.routes == ()


def test_an_option_may_add_routes(app):
    app.route_option("twice", apply=lambda route, value: app.get(f"{route.info.pattern}/{value}", handler))
    app.get("/a", handler, twice="b")
    assert [each.pattern for each in app.routes] == ["/a", "/a/b"]


def test_a_stock_app_has_no_route_options():
    import socketify

    with pytest.raises(socketify_ext.errors.InstallError):
        socketify.App().register(declaring("door"))
