"""The document of routes: what stands in it, and that it is OpenAPI 3.1."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
import openapi_apps
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, Field, WithJsonSchema, create_model
from socketify_ext_openapi import Options
from socketify_ext_openapi.description import Description
from typing_extensions import TypedDict

import socketify_ext
from socketify_ext.errors import RouteError, RouteOptionError


def make(**options):
    app = socketify_ext.App()
    app.register(socketify_ext.load("schema"))
    app.register(socketify_ext.load("openapi", docs=None, **options))
    return app


def document(app, **options):
    made = Description(app, Options(**options)).document()
    OpenAPIV31SpecValidator(made).validate()
    return made


def answer(res, req):
    res.end("ok")


def operation(app, path, method="get"):
    return document(app)["paths"][path][method]


def test_the_whole_document_of_an_app():
    made = document(openapi_apps.shop(docs=None), title="Shop", version="1.2", description="*Orders*")
    assert made["openapi"] == "3.1.0"
    assert made["info"] == {"title": "Shop", "version": "1.2", "description": "*Orders*"}
    assert {path: list(item) for path, item in made["paths"].items()} == {
        "/orders": ["get", "post"],
        "/orders/{order}": ["get", "delete"],
        "/tree": ["put"],
        "/names/{name}": ["get"],
    }
    listed = made["paths"]["/orders"]["get"]
    assert (listed["summary"], listed["description"]) == ("List orders.", "The *latest* come first.")
    assert listed["tags"] == ["orders"]
    assert listed["operationId"] == "get_orders"


def test_parameters_of_the_query():
    parameters = {each["name"]: each for each in operation(openapi_apps.shop(docs=None), "/orders")["parameters"]}
    assert parameters["page"] == {
        "name": "page",
        "in": "query",
        "description": "from 1 on",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1, "title": "Page"},
    }
    assert parameters["kind"]["schema"]["items"] == {"enum": ["normal", "express"], "type": "string"}
    assert parameters["sku"]["schema"]["type"] == "string"  # text, and never null


def test_parameters_of_the_path_have_the_names_of_the_first_route_of_the_path():
    paths = document(openapi_apps.shop(docs=None))["paths"]["/orders/{order}"]
    for method in ("get", "delete"):
        (parameter,) = paths[method]["parameters"]
        assert parameter["name"] == "order"
        assert parameter["required"] is True
        assert parameter["schema"]["type"] == "integer"


@pytest.mark.parametrize(
    ("pattern", "path", "names"),
    [
        ("/", "/", []),
        ("/a/:id", "/a/{id}", ["id"]),
        ("/a/:id/*", "/a/{id}/{path}", ["id", "path"]),
        ("/:path/*", "/{path}/{path2}", ["path", "path2"]),
        ("/:", "/{parameter}", ["parameter"]),
        ("/:user-id/x", "/{user-id}/x", ["user-id"]),
    ],
)
def test_patterns(pattern, path, names):
    app = make()
    app.get(pattern, answer)
    found = operation(app, path)
    assert [each["name"] for each in found.get("parameters", [])] == names


def test_a_query_of_any_names_is_one_parameter():
    app = make()
    app.get("/any", answer, query=dict[str, int])
    assert operation(app, "/any")["parameters"] == [
        {
            "name": "query",
            "in": "query",
            "schema": {"additionalProperties": {"type": "integer"}, "type": "object"},
            "style": "form",
            "explode": True,
        }
    ]


def test_answers_of_each_status_and_of_errors():
    app = openapi_apps.shop(docs=None)
    added = operation(app, "/orders", "post")["responses"]
    assert list(added) == ["201", "400", "413", "415", "422"]
    assert added["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Order"}
    assert added["422"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/MisfitAnswer"}
    dropped = operation(app, "/orders/{order}", "delete")["responses"]
    assert dropped["204"] == {"description": "No Content"}
    assert list(dropped) == ["204", "404", "422"]
    assert list(operation(app, "/names/{name}")["responses"]) == ["200"]


def test_what_is_not_said_is_not_made_up():
    app = make()
    app.get("/x", answer)
    assert operation(app, "/x") == {"operationId": "get_x", "responses": {"default": {"description": "The answer."}}}


class Item(BaseModel):
    name: str


Other: Any = create_model("Item", __module__="elsewhere", size=(int, ...))
OtherStruct = msgspec.defstruct("Item", [("weight", float)], module="third")


class Tree(BaseModel):
    children: list[Tree] = []


class Branch(msgspec.Struct):
    children: list[Branch] = []


Content = TypeVar("Content")


class Page(BaseModel, Generic[Content]):
    items: list[Content]


class StructPage(msgspec.Struct, Generic[Content]):
    items: list[Content]


class Names(BaseModel):
    """A model whose fields have the names of keywords."""

    default: Item
    enum: list[Other]
    properties: dict[str, Tree]
    examples: Item | None = Field(None, examples=[{"$ref": "#/components/schemas/Nowhere"}])


@dataclass
class Point:
    x: int


class Entry(TypedDict):
    name: str


def schema_of(made, path):
    return made["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


def resolved(made, schema):
    return made["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def test_models_of_one_name_are_told_apart():
    app = make()
    for number, model in enumerate((Item, Other, OtherStruct)):
        app.post(f"/{number}", answer, body=model)
    made = document(app)
    schemas = [resolved(made, schema_of(made, f"/{number}")) for number in range(3)]
    assert [list(schema["properties"]) for schema in schemas] == [["name"], ["size"], ["weight"]]


@pytest.mark.parametrize(
    "model",
    [
        Tree,
        Branch,
        Page[Item],
        StructPage[int],
        list[Branch],
        Point,
        Entry,
        Names,
        Item | Point,
        Literal["a"],
        Page[Tree],
    ],
)
def test_models_of_each_kind(model):
    app = make()
    app.post("/x", answer, body=model, returns={200: model, 201: list[model]})
    made = document(app)
    components = made["components"]["schemas"]
    text = repr({name: schema for name, schema in components.items() if name != "Nowhere"})
    assert "MisfitAnswer" in components
    assert "$defs" not in text


def test_components_that_nothing_refers_to_are_left_out():
    app = make()
    app.get("/:x", answer, query=Item, params=create_model("Params", x=(int, ...)))
    assert list(document(app)["components"]["schemas"]) == ["Misfit", "MisfitAnswer"]


def test_routes_of_every_method_are_written_for_the_methods_that_are_left():
    app = make()
    app.any("/x", answer, body=Item, operation_id="anything")
    app.get("/x", answer, summary="Mine")
    item = document(app)["paths"]["/x"]
    assert {method: each["operationId"] for method, each in item.items()} == {
        "get": "get_x",
        "put": "anything_put",
        "post": "anything_post",
        "delete": "anything_delete",
        "patch": "anything_patch",
    }
    assert [method for method, each in item.items() if "requestBody" in each] == ["put", "post", "patch"]


def test_what_openapi_can_not_say_is_left_out():
    app = make()
    app.connect("/x", answer)
    app.ws("/ws", {"message": lambda ws, message, opcode: None})
    app.get("/hidden", answer, hidden=True)
    app.not_found(answer)
    assert document(app)["paths"] == {}


def test_routes_of_extensions_are_shown_where_they_ask_for_it():
    @socketify_ext.extension("more")
    def more(request, response, ws, *, app):
        app.get("/plain", answer)
        app.get("/shown", answer, hidden=False)

    app = make()
    app.register(more)
    assert list(document(app)["paths"]) == ["/shown"]


def test_descriptions_come_from_docstrings_of_handlers_themselves():
    class Callable:
        """Of the class."""

        def __call__(self, res, req):
            """Of the call."""

    def handler(res, req):
        """Of the function.

        More.
        """

    app = make()
    app.get("/lambda", lambda res, req: None)
    app.get("/partial", functools.partial(handler))
    app.get("/object", Callable())
    app.get("/own", handler, summary="Own", description="")
    paths = document(app)["paths"]
    texts = {path: (each["get"].get("summary"), each["get"].get("description")) for path, each in paths.items()}
    assert texts == {
        "/lambda": (None, None),
        "/partial": ("Of the function.", "More."),
        "/object": ("Of the call.", None),
        "/own": ("Own", None),
    }


def test_route_options_say_more():
    app = make()
    examples = {"body": {"tea": {"name": "tea"}}, 200: {"tea": {"name": "tea"}}}
    app.post(
        "/x",
        answer,
        body=Item,
        returns=Item,
        examples=examples,
        deprecated=True,
        responses={200: "It is kept.", 418: "No."},
    )
    found = operation(app, "/x", "post")
    assert found["deprecated"] is True
    assert found["requestBody"]["content"]["application/json"]["examples"] == {"tea": {"value": {"name": "tea"}}}
    assert found["responses"]["200"]["content"]["application/json"]["examples"] == {"tea": {"value": {"name": "tea"}}}
    assert found["responses"]["200"]["description"] == "It is kept."
    assert found["responses"]["418"] == {"description": "No."}


@pytest.mark.parametrize(
    "options",
    [
        {"tags": "orders"},
        {"deprecated": "perhaps"},
        {"operation_id": "a b"},
        {"examples": {"x": {}}},
        {"responses": {99: ""}},
    ],
)
def test_ill_typed_route_options_are_errors_that_name_the_route(options):
    app = make()
    with pytest.raises(RouteOptionError, match=r"route GET /x \(test_openapi_document.py:"):
        app.get("/x", answer, **options)


def test_operation_ids_are_unique():
    app = make()
    app.get("/a-b", answer)
    app.get("/a_b", answer)
    app.get("/a/b", answer)
    assert [each["get"]["operationId"] for each in document(app)["paths"].values()] == [
        "get_a_b",
        "get_a_b_2",
        "get_a_b_3",
    ]
    app.get("/x", answer, operation_id="mine")
    app.get("/y", answer, operation_id="mine")
    with pytest.raises(RouteError, match="route GET /y"):
        document(app)


class Opaque:
    pass


class Holder(BaseModel, arbitrary_types_allowed=True):
    value: Opaque


class Described(BaseModel, arbitrary_types_allowed=True):
    value: Annotated[Opaque, WithJsonSchema({"type": "string"})]


@pytest.mark.parametrize("option", ["body", "query", "returns"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_model_without_a_schema_is_an_error_where_the_route_is_added(option, order):
    app = socketify_ext.App()
    app.register(socketify_ext.load("schema"))
    plugin = socketify_ext.load("openapi", docs=None)
    if order == "before":
        app.post("/x", answer, **{option: Holder})
        with pytest.raises(
            RouteOptionError, match=r"route POST /x \(test_openapi_document.py:\d+\).*Holder has no JSON Schema"
        ):
            app.register(plugin)
    else:
        app.register(plugin)
        with pytest.raises(
            RouteOptionError, match=r"route POST /x \(test_openapi_document.py:\d+\).*Holder has no JSON Schema"
        ):
            app.post("/x", answer, **{option: Holder})
        app.post("/x", answer, **{option: Holder}, hidden=True)
        app.post("/y", answer, **{option: Described})
        assert list(document(app)["paths"]) == ["/y"]


def test_security_comes_from_auth():
    made = document(openapi_apps.guarded(docs=None))
    assert made["components"]["securitySchemes"] == {
        "bearerAuth": {"type": "http", "scheme": "bearer"},
        "headerAuth": {"type": "apiKey", "in": "header", "name": "token"},
    }
    me = made["paths"]["/me"]["get"]
    assert me["security"] == [{"bearerAuth": ["orders"]}, {"headerAuth": ["orders"]}]
    assert list(me["responses"]) == ["200", "400", "401", "403"]
    assert "security" not in made["paths"]["/orders"]["get"]
    assert openapi_apps.TOKEN not in repr(made)


def test_schemes_of_tokens_in_cookies_and_of_jwt():
    app = make()
    jwt = {"key": "x" * 32, "algorithms": ["HS256"]}
    app.register(socketify_ext.load("auth", jwt=jwt, header="authorization", cookie="jwt"))
    app.register(openapi_apps.guard)
    app.get("/me", answer, auth=[])
    assert document(app)["components"]["securitySchemes"] == {
        "bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "cookieAuth": {"type": "apiKey", "in": "cookie", "name": "jwt"},
    }


def test_other_parts_come_from_the_options():
    schemes = {"key": {"type": "apiKey", "in": "query", "name": "key"}}
    tags = [{"name": "b", "description": "Bees"}, {"name": "a"}]
    made = document(
        make(), servers=["https://api.example/v1"], tags=tags, security_schemes=schemes, info={"summary": "Short"}
    )
    assert made["servers"] == [{"url": "https://api.example/v1"}]
    assert made["tags"] == tags
    assert made["components"] == {"securitySchemes": schemes}
    assert made["info"]["summary"] == "Short"


def test_a_thousand_routes():
    app = make()
    models = [create_model(f"Model{number}", value=(int, number)) for number in range(100)]
    for number in range(1000):
        app.post(f"/r{number}/:id", answer, body=models[number % 100], returns=models[number % 100])
    made = Description(app, Options()).document()
    assert len(made["paths"]) == 1000
    assert len(made["components"]["schemas"]) == 103
