"""A handler may return its answer."""

import asyncio
import dataclasses

import msgspec
import pydantic
import pytest
import socketify
from wire import wire

import socketify_ext
import socketify_ext.testing
from socketify_ext.runtime.returned import is_answer


class Item(pydantic.BaseModel):
    name: str = "a"


class Struct(msgspec.Struct):
    name: str = "a"


@dataclasses.dataclass
class Data:
    name: str = "a"


class Text(str):
    __slots__ = ()


class Mapping(dict):
    pass


MODEL = (b'{"name":"a"}', "application/json")
# What is returned, and the body and content type that are sent.
ANSWERS = {
    "text": (lambda res: "text é", "text é".encode(), None),
    "empty": (lambda res: "", b"", None),
    "bytes": (lambda res: b"\0bytes", b"\0bytes", None),
    "bytearray": (lambda res: bytearray(b"bytes"), b"bytes", None),
    "memoryview": (lambda res: memoryview(b"bytes"), b"bytes", None),
    "dict": (lambda res: {"a": [1, None]}, b'{"a":[1,null]}', "application/json"),
    "empty dict": (lambda res: {}, b"{}", "application/json"),
    "list": (lambda res: [1, 2], b"[1,2]", "application/json"),
    "empty list": (lambda res: [], b"[]", "application/json"),
    "text of a subclass": (lambda res: Text("text"), b"text", None),
    "dict of a subclass": (lambda res: Mapping(name="a"), *MODEL),
    "model": (lambda res: Item(), *MODEL),
    "struct": (lambda res: Struct(), *MODEL),
    "dataclass": (lambda res: Data(), *MODEL),
    "own content type": (lambda res: res.write_header("content-type", "text/x") and "text", b"text", "text/x"),
    "begun": (lambda res: res.write("one ") and "two", b"one two", None),
    "watched": (lambda res: res.on_aborted(lambda res: None) and {"a": 1}, b'{"a":1}', "application/json"),
    "answered before": (lambda res: res.end("first") and {"second": 2}, b"first", None),
    "answered before, with text": (lambda res: (res.end("first"), "second")[1], b"first", None),
}
NO_ANSWERS = {
    "nothing": (lambda res: None, "the handler returned without an answer"),
    "the response": (lambda res: res, "the handler returned without an answer"),
    "a status": (lambda res: 404, "a int is none"),
    "True": (lambda res: True, "a bool is none"),
    "a tuple": (lambda res: ({"a": 1}, 404), "a tuple is none"),
    "a generator": (lambda res: (each for each in "ab"), "a generator is none"),
    "a class": (lambda res: Item, "a ModelMetaclass is none"),
    "an object": (lambda res: object(), "a object is none"),
    "a set": (lambda res: {1}, "a set is none"),
}
UNSERIALISABLE = {"dict": lambda: {"a": object()}, "circle": lambda: circle(), "surrogate": lambda: "\ud800"}


def circle():
    made = {}
    made["self"] = made
    return made


def make_app():
    app = socketify_ext.App()
    app.register(socketify_ext.load("json"))
    add(app)
    return app


def add(app):
    def plain(make):
        return lambda res, req: make(res)

    def straight(make):
        async def handle(res, req):
            return make(res)

        return handle

    def waiting(make):
        async def handle(res, req):
            await asyncio.sleep(0)
            return make(res)

        return handle

    def awaitable(make):
        return lambda res, req: waiting(make)(res, req)

    def run(make):
        def handle(res, req):
            res.run_async(waiting(make)(res, req))

        return handle

    def guarded(make):
        return plain(make)

    @app.before_request(prefix="/guarded")
    async def guard(res, req):
        await asyncio.sleep(0)
        return {"hook": "its value means nothing"}

    for style in (plain, straight, waiting, awaitable, run, guarded):
        for number, (make, *_) in enumerate([*ANSWERS.values(), *NO_ANSWERS.values()]):
            app.get(f"/{style.__name__}/{number}", style(make))
        for name, make in UNSERIALISABLE.items():
            app.get(f"/{style.__name__}/{name}", style(lambda res, make=make: make()))

    @app.post("/created")
    def created(res, req):
        res.write_status(201).write_header("location", "/1").set_cookie("a", "b")
        return {"id": 1}

    @app.get("/nothing")
    async def nothing(res, req):
        res.write_status(204)
        return {"id": 1}

    @app.post("/echo", max_body=10)
    async def echo(res, req):
        return await res.get_json()

    @app.any("/any")
    def any_method(res, req):
        return req.get_method()

    @app.get("/yields")
    def yields(res, req):
        req.set_yield(True)
        return {"lost": True}

    @app.get("/yields-late")
    async def yields_late(res, req):
        req.set_yield(True)
        return {"lost": True}

    @app.get("/deferred")
    def deferred(res, req):
        asyncio.get_running_loop().call_soon(res.end, "later")
        res.grab_aborted_handler()
        return 5

    @app.get("/two")
    def two(res, req):
        async def loads():
            await asyncio.sleep(0)
            return {"not": "the answer"}

        async def answers():
            for _ in range(5):
                await asyncio.sleep(0)
            res.end("the answer")

        res.run_async(loads())
        res.run_async(answers())

    def upgrade(res, req, context):
        return {"no": "WebSocket"}

    app.ws("/ws", {"upgrade": upgrade})

    router = app.router("/core", socketify.middleware(lambda res, req, data=None: {"user": 1}))
    assert router.get("/sync")(lambda res, req, data: {"data": data}) is not None

    async def late(res, req, data):
        await asyncio.sleep(0)
        return {"data": data}

    router.get("/async")(late)


@pytest.fixture
def connection(server):
    with wire(server.port) as made:
        yield made


STYLES = ["plain", "straight", "waiting", "awaitable", "run", "guarded"]


def read(connection, path):
    """Read an answer, also one in chunks; return its body and content type."""
    connection.send("GET", path)
    answer = connection.answer()
    headers, body = dict(answer.headers), answer.body
    if headers.get("transfer-encoding") == "chunked":
        while size := int(connection.read_until(b"\r\n"), 16):
            chunk = connection.read_until(b"\r\n")[:-2]
            assert len(chunk) == size
            body += chunk
        connection.read_until(b"\r\n")
    return body, headers.get("content-type")


# The last is missing: what comes later is announced, so that it is not what a coroutine beside the handler returns.
@pytest.mark.parametrize(
    ("style", "name"), [(style, name) for style in STYLES for name in ANSWERS if (style, name) != ("run", "watched")]
)
def test_what_is_returned_is_sent_as_end_would(connection, style, name):
    assert read(connection, f"/{style}/{list(ANSWERS).index(name)}") == ANSWERS[name][1:]
    assert connection.ask("GET", "/any").body == b"GET"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_is_an_error_that_says_so(server, connection, style, name):
    before = len(server.log)
    answer = connection.ask("GET", f"/{style}/{len(ANSWERS) + list(NO_ANSWERS).index(name)}")
    assert answer.status == "500 Internal Server Error"
    assert NO_ANSWERS[name][1] in server.log[before:]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", UNSERIALISABLE)
def test_what_can_not_be_sent_is_a_500(server, connection, style, name):
    assert connection.ask("GET", f"/{style}/{name}").status == "500 Internal Server Error"
    assert connection.ask("GET", "/any").body == b"GET"


def test_status_headers_and_cookies_are_kept(connection):
    answer = connection.ask("POST", "/created")
    assert (answer.status, answer.json()) == ("201 Created", {"id": 1})
    assert {"location", "set-cookie"} <= set(dict(answer.headers))
    assert connection.ask("GET", "/nothing").status == "204 No Content"
    assert connection.ask("GET", "/any").body == b"GET"


def test_a_body_that_is_awaited_may_be_returned_and_the_limit_of_the_decorator_counts(connection):
    json = {"content-type": "application/json"}
    assert connection.ask("POST", "/echo", b'{"a": 1}', **json).json() == {"a": 1}
    assert connection.ask("POST", "/echo", b"[]" + b" " * 20, **json).status.startswith("413")


@pytest.mark.parametrize("style", STYLES)
def test_rfc9110_9_3_2_head_has_the_length_of_what_is_returned(connection, style):
    answer = connection.ask("HEAD", f"/{style}/{list(ANSWERS).index('dict')}")
    assert (answer.status, dict(answer.headers)["content-length"], answer.body) == ("200 OK", "14", b"")
    assert connection.ask("GET", "/any").body == b"GET"


@pytest.mark.parametrize("path", ["/yields", "/yields-late"])
def test_a_request_that_is_yielded_is_answered_by_the_next(connection, path):
    assert connection.ask("GET", path).status == "404 Not Found"


def test_an_answer_that_is_announced_is_not_taken_for_what_is_returned(connection):
    assert connection.ask("GET", "/deferred").body == b"later"
    assert connection.ask("GET", "/two").body == b"the answer"


def test_an_upgrade_handler_may_refuse_so(connection):
    answer = connection.ask("GET", "/ws", **{"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "upgrade": "websocket"})
    assert answer.json() == {"no": "WebSocket"}


@pytest.mark.parametrize("path", ["/core/sync", "/core/async"])
def test_handlers_behind_the_core_s_middlewares_may_return_answers(connection, path):
    assert connection.ask("GET", path).json() == {"data": {"user": 1}}


@pytest.mark.parametrize("value", [None, 1, 1.5, True, (), {1}, object(), Item, print, Exception("x")])
def test_few_types_are_answers(value):
    assert not is_answer(value)


def make_plain():
    app = socketify_ext.App()
    app.get("/model", lambda res, req: Item())
    app.get("/dataclass", lambda res, req: [Data()])
    return app


def test_models_need_no_extension():
    with socketify_ext.testing.serve(make_plain) as server, wire(server.port) as connection:
        assert connection.ask("GET", "/model").json() == {"name": "a"}
        assert connection.ask("GET", "/dataclass").json() == [{"name": "a"}]
