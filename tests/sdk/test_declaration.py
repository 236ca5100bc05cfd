from __future__ import annotations

import pickle
import sys
from typing import Any

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

import socketify_ext
from socketify_ext.errors import (
    ArgumentError,
    DeclarationError,
    InstallError,
    MemberNameError,
    OptionsError,
    SignatureError,
)
from socketify_ext.sdk.app_surface import AppSurface
from socketify_ext.sdk.declaration import Extension, as_extension, extension


class Options(BaseModel):
    unit: str = "kg"
    limit: int = 3


@extension("shop", options=Options, requires=["auth>=1"], before=["log"], after=["cart"])
def shop(request, response, ws, *, options, app):
    """Sell things.

    At a price.
    """

    @request.method
    async def get_user(self):
        return options.unit

    @response.method
    def get_user(self):  # noqa: F811
        return options.limit

    ws.property("till", default_factory=list)


def members(made, **options):
    spec = made.configured(**options).declare().spec
    return {f"{member.target}.{member.name}": member for member in spec.members}


def test_a_declared_extension_has_its_name_options_and_order():
    assert isinstance(shop, Extension)
    assert (shop.name, shop.options_model, shop.requires) == ("shop", Options, ("auth>=1",))
    assert (shop.before, shop.after, shop.summary) == (("log",), ("cart",), "Sell things.")
    assert [str(requirement) for requirement in shop.requirements] == ["auth>=1"]
    assert shop.provenance.location.startswith("test_declaration.py:")


def test_declaring_gives_a_spec_of_all_that_was_said():
    spec = shop.declare().spec
    assert (spec.name, spec.summary, spec.before, spec.after) == ("shop", "Sell things.", ("log",), ("cart",))
    assert [str(requirement) for requirement in spec.requires] == ["auth>=1"]
    assert [(member.target, member.name) for member in spec.members] == [
        ("request", "get_user"),
        ("response", "get_user"),
        ("ws", "till"),
    ]


def test_a_bare_function_is_an_extension_named_after_itself():
    def cart(request, response, ws):
        """Collect."""
        request.property("cart")

    made = as_extension(cart)
    assert (made.name, made.declared, made.summary) == ("cart", False, "Collect.")
    assert list(members(made)) == ["request.cart"]


def test_a_declared_extension_is_taken_as_it_is():
    assert as_extension(shop) is shop


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("<lambda>", "lambda"), ("_private", "private"), ("größe", "größe"), ("___", "extension"), ("x y", "extension")],
)
def test_any_function_name_makes_a_bare_extension(name, wanted):
    def function(request, response, ws):
        pass

    function.__name__ = name
    assert as_extension(function).declare().spec.name == wanted


class Callable:
    def __call__(self, request, response, ws):
        request.property("cart")


def test_a_callable_object_is_a_bare_extension():
    made = as_extension(Callable())
    assert made.name == "Callable"
    assert list(members(made)) == ["request.cart"]
    assert made.provenance.location.startswith("test_declaration.py:")


def test_nothing_but_an_extension_function_is_an_extension():
    with pytest.raises(SignatureError, match=r"'int'.*can't be called"):
        as_extension(3)


def test_a_name_in_place_of_an_extension_is_to_be_loaded():
    with pytest.raises(SignatureError, match=r"'auth' is not an extension: it is a name.*load\(\"auth\"\)"):
        as_extension("auth")


def test_a_module_in_place_of_an_extension_names_what_is_in_it():
    with pytest.raises(SignatureError, match=r"Pass what is in it: test_declaration\.shop"):
        as_extension(sys.modules[__name__])
    with pytest.raises(SignatureError, match=r"it is a module\. Pass the extension function"):
        as_extension(pickle)


def test_extension_needs_a_name():
    with pytest.raises(DeclarationError, match="without a name"):

        @extension
        def shop(request, response, ws):
            pass


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"requires": "auth"}, "requires is one text, not a list"),
        ({"before": "auth"}, "before is one text, not a list"),
        ({"after": "auth"}, "after is one text, not a list"),
        ({"requires": ["auth=1"]}, "'auth=1' is not a requirement"),
        ({"before": ["a b"]}, "'a b' is not an extension name"),
        ({"after": ["auth>=1"]}, "'auth>=1' is not an extension name"),
        ({"options": dict}, "options=.*dict.* is not a pydantic model"),
        ({"options": Options()}, "options=.* is not a pydantic model"),
    ],
)
def test_a_wrong_declaration_is_refused_where_it_stands(arguments, why):
    with pytest.raises(DeclarationError, match=why):

        @extension("shop", **arguments)
        def shop(request, response, ws):
            pass


def test_a_wrong_name_is_refused_where_it_stands():
    with pytest.raises(DeclarationError, match="'my shop' is not an extension name"):

        @extension("my shop")
        def shop(request, response, ws):
            pass


def test_a_wrong_signature_is_refused_where_it_stands():
    with pytest.raises(SignatureError, match="takes 2 positional parameters"):

        @extension("shop")
        def shop(request, response):
            pass


def test_positional_parameters_may_have_any_name():
    @extension("shop")
    def shop(app, options, ws):
        app.property("cart")

    assert list(members(shop)) == ["request.cart"]


def test_options_and_app_are_injected_when_asked_for():
    got: dict[str, Any] = {}

    @extension("shop", options=Options)
    def shop(request, response, ws, *, app, options):
        got.update(app=app, options=options)

    shop.configured(limit=5).declare(app="the app")
    assert got["options"] == Options(limit=5)
    assert isinstance(got["app"], AppSurface)


def test_options_are_validated_when_they_are_given():
    assert shop.configured(limit="4").validated_options() == Options(limit=4)
    with pytest.raises(OptionsError, match="limit: Input should be a valid integer"):
        shop.configured(limit="many")


def test_all_wrong_options_are_told_at_once():
    with pytest.raises(OptionsError, match=r"unit: .*; limit: .*socketify-ext show shop"):
        shop.configured(limit="many", unit=3)


def test_an_unknown_option_is_refused_with_a_suggestion():
    with pytest.raises(OptionsError, match=r"was given limt: it has no such option\. Did you mean 'limit'\?$"):
        shop.configured(limt=3)


def test_options_of_an_extension_without_options_are_refused():
    with pytest.raises(OptionsError, match="was given limit: it takes no options"):
        as_extension(lambda request, response, ws: None).configured(limit=3)


def test_a_missing_option_is_refused():
    class Required(BaseModel):
        secret: str

    made = extension("shop", options=Required)(lambda request, response, ws: None)
    with pytest.raises(OptionsError, match="secret: Field required"):
        made.configured()


def test_an_option_goes_by_its_alias():
    class Aliased(BaseModel):
        kind: str = Field("a", alias="type")
        colour: str = Field("red", validation_alias=AliasChoices("color", "colour"))

    made = extension("shop", options=Aliased)(lambda request, response, ws: None)
    options = made.configured(type="b", color="blue").validated_options()
    assert (options.kind, options.colour) == ("b", "blue")
    with pytest.raises(OptionsError, match="it has no such option"):
        made.configured(kind="b")


def test_an_option_goes_by_its_name_where_the_model_says_so():
    class Populated(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        kind: str = Field("a", alias="type")

    made = extension("shop", options=Populated)(lambda request, response, ws: None)
    assert made.configured(kind="b").validated_options().kind == "b"


def test_an_open_model_takes_any_option():
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    made = extension("shop", options=Open)(lambda request, response, ws: None)
    assert made.configured(anything=1).validated_options().anything == 1


def test_no_secret_shows_in_errors_or_reprs():
    class Secret(BaseModel):
        tokens: dict[str, int] = Field({}, repr=False)
        keys: dict[str, int] = Field({}, alias="secrets", repr=False)

    made = extension("shop", options=Secret)(lambda request, response, ws: None)
    for name in ("tokens", "secrets"):
        with pytest.raises(OptionsError, match=f"{name}: Input should be a valid integer") as caught:
            made.configured(**{name: {"s3cret": "x"}})
        assert "s3cret" not in str(caught.value)
        assert caught.value.__context__ is None  # pydantic's error would quote what was given
    good = made.configured(tokens={"s3cret": 1}, secrets={"s3cret": 1})
    assert "s3cret" not in repr(good)
    assert "s3cret" not in repr(good.declare().spec)


def test_no_secret_shows_in_errors_of_options_within_options():
    class Inner(BaseModel):
        tokens: dict[str, int] = Field({}, repr=False)
        shown: dict[str, int] = {}

    class Outer(BaseModel):
        one: Inner | None = None
        several: list[Inner] = []
        either: Inner | list[Inner] = []

    made = extension("shop", options=Outer)(lambda request, response, ws: None)
    for options in (
        {"one": {"tokens": {"s3cret": "x"}}},
        {"several": [{}, {"tokens": {"s3cret": "x"}}]},
        {"either": {"tokens": {"s3cret": "x"}}},
    ):
        with pytest.raises(OptionsError, match="Input should be a valid integer") as caught:
            made.configured(**options)
        assert "s3cret" not in str(caught.value)
    with pytest.raises(OptionsError, match=r"one\.shown\.key: Input"):
        made.configured(one={"shown": {"key": "x"}})


def test_an_extension_does_not_change():
    changed = shop.renamed(get_user="user").only("till").overriding("till").configured(limit=1)
    assert changed is not shop
    assert (shop.options, shop.renames, shop.selection, shop.overrides) == ({}, {}, None, ())
    with pytest.raises(AttributeError):
        shop.name = "other"


def test_renamed_by_name_renames_on_all_targets():
    assert list(members(shop.renamed(get_user="user"))) == ["request.user", "response.user", "ws.till"]


def test_renamed_by_target_renames_there():
    found = members(shop.renamed({"request.get_user": "user"}))
    assert list(found) == ["request.user", "response.get_user", "ws.till"]
    assert found["request.user"].renamed_from == "get_user"
    assert found["response.get_user"].renamed_from is None


def test_renamed_can_swap_two_names():
    @extension("shop")
    def shop(request, response, ws):
        request.property("a", 1)
        request.property("b", 2)

    found = members(shop.renamed(a="b", b="a"))
    assert (found["request.a"].default, found["request.b"].default) == (2, 1)


def test_only_keeps_what_it_names():
    assert list(members(shop.only("request.get_user", "till"))) == ["request.get_user", "ws.till"]
    assert list(members(shop.only())) == []


def test_overriding_marks_what_it_names():
    found = members(shop.overriding("response.get_user"))
    assert [name for name, member in found.items() if member.override] == ["response.get_user"]


def test_adjustments_go_by_declared_names():
    adjusted = shop.renamed({"request.get_user": "user"}).only("request.get_user").overriding("request.get_user")
    found = members(adjusted)
    assert list(found) == ["request.user"]
    assert found["request.user"].override


@pytest.mark.parametrize(
    "adjust",
    [
        lambda made: made.renamed(get_usr="user"),
        lambda made: made.only("get_usr"),
        lambda made: made.overriding("request.get_usr"),
    ],
)
def test_an_adjustment_of_no_member_is_refused_with_a_suggestion(adjust):
    with pytest.raises(MemberNameError, match=r"it has no such member\. Did you mean .*'request.get_user'"):
        adjust(shop).declare()


@pytest.mark.parametrize(
    ("name", "why"),
    [("class", "is a Python keyword"), ("_user", "is not public"), ("till", None), ("a b", "is not an id")],
)
def test_a_new_name_is_checked_as_any_other(name, why):
    adjusted = shop.renamed({"request.get_user": name})
    if why is None:
        assert "request.till" in members(adjusted)
        return
    with pytest.raises(MemberNameError, match=rf"is to rename request\.get_user: .*{why}"):
        adjusted.declare()


def test_a_new_name_that_the_extension_has_already_is_refused():
    @extension("shop")
    def shop(request, response, ws):
        request.property("a")
        request.property("b")

    with pytest.raises(MemberNameError, match=r"adds request\.b twice"):
        shop.renamed(a="b").declare()


def test_the_same_declaration_has_the_same_identity():
    def identity(made):
        return made.declare().spec.identity

    assert identity(shop.configured(limit=3)) == identity(shop)
    assert identity(shop.configured(limit=4)) != identity(shop)
    assert identity(shop.renamed(get_user="user")) != identity(shop)
    assert identity(shop.only("till")) != identity(shop)
    assert identity(shop.overriding("till")) != identity(shop)


def test_members_can_not_be_added_once_the_function_has_returned():
    kept = []
    as_extension(lambda request, response, ws: kept.append(request)).declare()
    with pytest.raises(DeclarationError, match="its extension function has returned"):
        kept[0].property("late")


def test_an_extension_is_called_by_register_only():
    with pytest.raises(ArgumentError, match=r"it is called by app\.register"):
        shop(None, None, None)


class FakeApp:
    """An app as far as an extension may reach it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.value = 1

    def __getattr__(self, name):
        return lambda *arguments: self.calls.append((name, *arguments))


def declared_app(app):
    return AppSurface(app, shop.provenance)


def handler(response, request):
    pass


def test_routes_and_lifecycle_functions_are_recorded_and_not_applied():
    app = FakeApp()
    declared = declared_app(app)
    methods = ("get", "post", "put", "patch", "delete", "options", "head", "connect", "trace", "any")
    targets = dict.fromkeys(methods, handler) | {"ws": {"message": handler}, "static": "folder"}
    for name, target in targets.items():
        assert getattr(declared, name)(f"/{name}", target) is declared
    recorded = [(route.method, route.path, route.target) for route in declared.declared_routes]
    assert recorded == [(name, f"/{name}", target) for name, target in targets.items()]
    assert declared.on_startup(handler) is declared.on_start(handler) is declared.on_shutdown(handler) is handler
    assert (declared.startup, declared.shutdown) == ([handler, handler], [handler])
    assert declared.needs_install
    assert app.calls == []


@pytest.mark.parametrize(
    ("use", "why"),
    [
        (lambda app: app.on_startup(None), r"app\.on_startup.*a NoneType can't be called"),
        (lambda app: app.on_start("x"), r"app\.on_startup.*a str can't be called"),
        (lambda app: app.on_shutdown(3), r"app\.on_shutdown.*a int can't be called"),
        (lambda app: app.get("/", None), r"app\.get.*a NoneType can't be called"),
        (lambda app: app.get(None, handler), r"app\.get.*None is not a path"),
        (lambda app: app.ws("/", handler), r"app\.ws.*a function is not a mapping"),
        (lambda app: app.static("/", None), r"app\.static.*a NoneType is not a directory"),
    ],
)
def test_what_could_not_be_applied_later_is_refused_at_once(use, why):
    declared = declared_app(FakeApp())
    with pytest.raises(SignatureError, match=why):
        use(declared)
    assert not declared.needs_install


def test_everything_else_is_the_app_s_own():
    app = FakeApp()
    declared = declared_app(app)
    assert declared.value == 1
    declared.publish("topic", "message")
    assert app.calls == [("publish", "topic", "message")]


def test_attributes_are_set_on_the_app_at_commit():
    app = FakeApp()
    declared = declared_app(app)
    declared.pool = "pool"
    assert declared.pool == "pool"
    assert "pool" not in vars(app)
    declared.commit()
    assert app.pool == "pool"
    declared.pool = "another"
    assert app.pool == "another"


def test_after_commit_routes_go_to_the_app():
    app = FakeApp()
    declared = declared_app(app)
    declared.commit()
    declared.get("/late", handler)
    declared.on_shutdown(handler)
    (_, route), late = app.calls
    assert (route.method, route.path, route.target) == ("get", "/late", handler)
    assert late == ("on_shutdown", handler)


def test_without_an_app_only_recording_works():
    declared = declared_app(None)
    declared.get("/", handler)
    with pytest.raises(InstallError, match=r"uses app\.loop: .*socketify_ext\.install\(app\)"):
        _ = declared.loop
    with pytest.raises(InstallError, match=r"uses app\.pool"):
        declared.pool = 1


def test_errors_of_an_extension_survive_pickling():
    with pytest.raises(OptionsError) as caught:
        socketify_ext.load("cart", colour="red")
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (type(copy), str(copy), copy.fix) == (OptionsError, str(caught.value), caught.value.fix)
