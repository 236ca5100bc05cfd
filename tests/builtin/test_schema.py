"""Routes with models of what they take and answer, on real servers."""

import json

import httpx2
import pytest
import schema_apps
import websockets
from pydantic import BaseModel
from websockets.sync.client import connect

import socketify_ext
from socketify_ext.builtin.schema import Valid
from socketify_ext.errors import RouteOptionError
from socketify_ext.testing import serve

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server():
    with serve(schema_apps.make) as serving:
        yield serving


@pytest.fixture
def fresh():
    with serve(schema_apps.make) as serving:
        yield serving


def post(server, path, content, method="POST", **headers):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx2.request(method, server.url + path, content=data, headers={**JSON, **headers}, timeout=20)


def get(server, path):
    return httpx2.get(server.url + path, timeout=20)


@pytest.mark.parametrize(
    ("model", "given", "value"),
    [
        ("order", {"sku": "tea", "quantity": "2"}, {"sku": "tea", "quantity": 2}),
        ("point", {"x": 1}, {"x": 1, "y": 0}),
        ("entry", {"name": "a", "sizes": [1]}, {"name": "a", "sizes": [1]}),
        ("struct", {"sku": "tea", "lines": [1]}, {"sku": "tea", "lines": [1]}),
        ("numbers", [1, "2"], [1, 2]),
        (
            "node",
            {"name": "a", "children": [{"name": "b"}]},
            {"name": "a", "children": [{"name": "b", "children": []}]},
        ),
    ],
)
def test_a_handler_finds_the_body_as_its_model(server, model, given, value):
    answer = post(server, f"/body/{model}", given)
    assert (answer.status_code, answer.json()) == (200, {"value": value})


def test_an_async_handler_finds_it_after_awaits_and_the_request_too(server):
    answer = post(server, "/late?a=%20b", {"sku": "tea"})
    assert answer.json() == {"value": {"sku": "tea", "quantity": 1}, "url": "/late?a=%20b"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "detail"),
    [
        (b"", {}, 400, "the body is not JSON: "),
        (b"{", {}, 400, "the body is not JSON: "),
        (b'{"sku": NaN}', {}, 400, "the body is not JSON: NaN is not a number"),
        (b'{"sku": "tea", "quantity": Infinity}', {}, 400, "the body is not JSON: Infinity is not a number"),
        (b'{"sku": "\xff"}', {}, 400, "the body is not JSON: "),
        (b'{"sku": "tea", "quantity": ' + b"9" * 5000 + b"}", {}, 400, "the body is not JSON: "),
        (b"[" * 90_000, {}, 400, "the body is not JSON: "),
        (b"{}", {"content-type": "text/plain"}, 415, "the body has another Content-Type"),
        (b"{}", {"content-type": ""}, 415, "the body has no Content-Type"),
        (b" " * (schema_apps.LIMIT + 1), {}, 413, f"the body is larger than {schema_apps.LIMIT} bytes"),
    ],
)
def test_a_body_that_can_not_be_read_is_answered_as_get_json_does(server, content, headers, status, detail):
    answer = post(server, "/body/order", content, **headers)
    assert answer.status_code == status
    assert answer.json()["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"quantity": 1}', "missing"),
        (b'{"sku": "tea", "quantity": 0}', "greater_than"),
        (b'{"sku": "tea", "quantity": 1.5}', "int_from_float"),
        (b'{"sku": "tea", "quantity": null}', "int_type"),
        (b'{"sku": "tea", "sku": 5}', "string_type"),  # the last one counts
        (b'{"sku": {"sku": "tea"}}', "string_type"),
        (b"[]", "model_type"),
        (b'"tea"', "model_type"),
    ],
)
def test_a_body_that_does_not_fit_is_a_422(server, content, kind):
    answer = post(server, "/body/order", content)
    assert answer.status_code == 422
    assert [each["type"] for each in answer.json()["detail"]] == [kind]


def test_the_number_of_details_is_bounded(server):
    answer = post(server, "/body/numbers", ["x"] * 500)
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) == 21


@pytest.mark.parametrize("word", ["key", "type", "run", "recursion"])
def test_what_else_a_validator_raises_is_a_500_that_the_log_explains(fresh, word):
    answer = post(fresh, "/body/rough", {"word": word})
    if word == "recursion":  # as input that is nested too deep
        assert answer.status_code == 400
        return
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert "schema_apps.py" in fresh.log
    assert post(fresh, "/body/order", {"sku": "tea"}).status_code == 200


def test_a_validator_may_answer_by_itself_and_its_own_words_are_details(server):
    assert post(server, "/body/rough", {"word": "http"}).status_code == 409
    refused = post(server, "/body/rough", {"word": "fit"})
    assert [each["msg"] for each in refused.json()["detail"]] == ["Value error, it is not a word"]


def test_query_and_parameters_are_read_as_models(server):
    answer = get(server, "/search?q=a%20b%2B%26&page=2&tag=x&tag=%C3%A4+y")
    assert answer.json() == {"value": {"text": "a b+&", "page": 2, "tags": ["x", "ä y"]}}
    assert get(server, "/search").json() == {"value": {"text": "", "page": 1, "tags": []}}
    assert get(server, "/search?page=x").json()["detail"][0]["loc"] == ["page"]
    assert get(server, "/users/7/book").json() == {"value": {"user": 7, "kind": "book"}}
    assert get(server, "/users/%37/%62ook").json() == {"value": {"user": 7, "kind": "book"}}
    for path in ("/users/x/book", "/users/7/b%00ok", "/users/7%2F/book", "/search?page=%FF", "/search?page=1&page=x"):
        assert get(server, path).status_code == 422


def test_all_parts_of_one_request(server):
    answer = post(server, "/all/7/film?q=x", {"sku": "tea"}, method="PUT")
    assert answer.json() == [
        {"user": 7, "kind": "film"},
        {"text": "x", "page": 1, "tags": []},
        {"sku": "tea", "quantity": 1},
    ]
    assert post(server, "/all/x/film?q=x", {"sku": "tea"}, method="PUT").json()["detail"][0]["loc"] == ["user"]


def test_two_requests_at_once_have_their_own(server):
    with httpx2.Client(base_url=server.url) as first, httpx2.Client(base_url=server.url) as second:
        for number in range(20):
            for http in (first, second):
                name = f"{id(http)}-{number}"
                assert http.post("/late", json={"sku": name}).json()["value"]["sku"] == name


def test_head_and_other_methods_are_as_ever(server):
    assert httpx2.head(f"{server.url}/search?page=1").status_code == 200
    assert httpx2.head(f"{server.url}/search?page=x").status_code == 422
    refused = httpx2.get(f"{server.url}/body/order")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST, OPTIONS")


def test_a_part_without_a_model_says_so(fresh):
    assert get(fresh, "/none").json() == {"valid": "Valid()"}
    assert get(fresh, "/unset").status_code == 500
    assert "its route has no body=Model" in fresh.log


def test_the_body_can_be_read_again_and_the_answer_may_come_later(fresh):
    order = {"sku": "tea", "quantity": 2}
    assert post(fresh, "/again", order).json() == [order, order, json.dumps(order)]
    assert post(fresh, "/deferred", order).json() == {"sku": "tea"}
    assert fresh.log == ""
    assert post(fresh, "/silent", order).status_code == 500
    assert "POST /silent" in fresh.log


def test_guards_come_first_and_see_no_body(server):
    for path in ("/guarded/order", "/guarded/late/order"):
        assert post(server, path, b"{").status_code == 401
        assert post(server, path, b"{", token="s3cret").status_code == 400
        assert post(server, path, {"sku": "tea"}, token="s3cret").status_code == 200


SENT = {
    "plain": {"name": "Ann"},
    "more": {"name": "Ann"},
    "subclass": {"name": "Ann"},
    "row": {"name": "Ann"},
    "nested": {"owner": {"name": "Ann"}, "others": [{"name": "Bob"}]},
    "nested dict": {"owner": {"name": "Ann"}, "others": [{"name": "Bob"}]},
    "list": [{"name": "Ann"}, {"name": "Bob"}],
    "dataclass": {"x": 1, "y": 0},
    "typeddict": {"name": "a", "sizes": [1]},
    "struct": {"name": "Ann"},
    "struct dict": {"name": "Ann"},
    "struct in struct": {"cards": [{"name": "Ann"}]},
    "structs": [{"name": "Ann"}],
    "generic": {"items": [{"name": "Ann"}]},
    "alias": {"q": "tea"},
    "alias by name": {"q": "tea"},
    "number": 5,
}


@pytest.mark.parametrize("way", ["returned", "ended", "sent", "late"])
@pytest.mark.parametrize("name", schema_apps.ANSWERS)
def test_an_answer_has_what_its_model_has_and_nothing_else(server, way, name):
    answer = get(server, f"/{way}/{name.replace(' ', '-')}")
    if name in SENT:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == SENT[name]
    else:
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert "s3cret" not in answer.text


def test_an_answer_that_does_not_fit_is_logged_with_its_route_and_without_its_values(fresh):
    assert get(fresh, "/ended/missing").status_code == 500
    assert "EXT518" in fresh.log
    assert "route GET /ended/missing (schema_apps.py:" in fresh.log
    assert "name: Field required" in fresh.log
    assert "s3cret" not in fresh.log


@pytest.mark.parametrize("query", ["", "?send=1"])
def test_each_status_has_its_model(server, query):
    assert get(server, f"/status/201{query}").json() == {"name": "Ann"}
    missing = get(server, f"/status/404{query}")
    assert (missing.status_code, missing.json()) == (404, {"sku": "tea", "quantity": 1})
    assert get(server, f"/status/202{query}").status_code == 500


def test_errors_and_text_are_sent_as_they_are(server):
    for status in (201, 404, 418):
        answer = get(server, f"/status/{status}?raise=1")
        assert (answer.status_code, answer.json()) == (status, {"detail": {"free": "text"}})
    assert get(server, "/text").text == "as it is"
    assert httpx2.head(f"{server.url}/ended/more").headers["content-length"] == str(len('{"name":"Ann"}'))


def test_an_upgrade_is_validated_too(server):
    with connect(f"{server.ws_url}/ws/7/book?page=3", proxy=None) as socket:
        assert socket.recv(20) == b"3"
    for path in ("/ws/x/book", "/ws/7/book?page=x"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            connect(server.ws_url + path, proxy=None)
        assert refused.value.response.status_code == 422


class Needs(BaseModel):
    user: int


class Unready(BaseModel):
    other: "NowhereToBeFound"  # noqa: F821


class Opaque:
    pass


def answering(res, req):
    res.end("ok")


@pytest.mark.parametrize(
    ("method", "path", "options", "why"),
    [
        ("post", "/x", {"body": 5}, "can't validate input"),
        ("post", "/x", {"body": Opaque}, "can't validate input"),
        ("post", "/x", {"body": Unready}, "can't validate input"),
        ("post", "/x", {"body": None}, "None is no model"),
        ("get", "/x", {"body": Needs}, "a GET route has no body"),
        ("get", "/x", {"query": Opaque}, "can't validate input"),
        ("get", "/x", {"params": Needs}, "its path has no parameters"),
        ("get", "/:id", {"params": Needs}, "its path has no parameter user, which Needs requires"),
        ("get", "/x", {"returns": Opaque}, "schema"),
        ("get", "/x", {"returns": {}}, "give a model, or models by status"),
        ("get", "/x", {"returns": {"200": Needs}}, "give a model, or models by status"),
        ("get", "/x", {"returns": {200: Opaque}}, "schema"),
        ("ws", "/x", {"body": Needs}, "a WS route has no body"),
        ("ws", "/x", {"returns": Needs}, "a WebSocket answers no request"),
    ],
)
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_model_that_can_not_work_is_an_error_where_the_route_is_added(method, path, options, why, order):
    app = socketify_ext.App()
    handler = {"message": lambda ws, message, opcode: None} if method == "ws" else answering

    def add():
        getattr(app, method)(path, handler, **options)

    if order == "before":
        add()
    else:
        app.register(socketify_ext.load("schema"))
    with pytest.raises(RouteOptionError, match=r"test_schema\.py:\d+") as caught:
        add() if order == "after" else app.register(socketify_ext.load("schema"))
    assert why in str(caught.value)


def test_routes_are_as_they_were_after_an_error():
    app = socketify_ext.App()
    app.register(socketify_ext.load("schema"))
    with pytest.raises(RouteOptionError):
        app.post("/x", answering, body=Opaque)
    app.post("/x", answering, body=Needs)
    assert [(route.method, route.pattern, route.options["body"]) for route in app.routes] == [("POST", "/x", Needs)]


def test_a_union_of_models_requires_nothing_of_the_path():
    class Other(BaseModel):
        item: int

    app = socketify_ext.App()
    app.register(socketify_ext.load("schema"))
    app.get("/:user", answering, params=Needs | Other)
    assert len(app.routes) == 1


def test_valid_can_be_made_for_a_test():
    valid: Valid[Needs] = Valid(body=Needs(user=7))
    assert valid.body.user == 7
    assert repr(valid) == "Valid(body=Needs(user=7))"
    with pytest.raises(AttributeError, match="it has body, query and params"):
        _ = valid.bdy
    with pytest.raises(AttributeError, match="no query=Model"):
        _ = valid.query
