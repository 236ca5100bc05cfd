"""A request and its response find each other, from the first hook to the answer."""

import httpx2
import pytest
from websockets.sync.client import connect

from socketify_ext.testing import fake_request, fake_response, serve


def stamp(request, response, ws):
    @request.method
    def stamp(self, value):
        assert self.response.request is self
        self.response.write_header("X-Stamp", value)

    @response.method
    def name(self):
        return self.request.get_header("name")


def make(kind):
    import asyncio

    import socketify

    import socketify_ext

    app = socketify.App() if kind == "stock" else socketify_ext.App()
    app.register(socketify_ext.extension("stamp")(stamp))
    seen = []

    def sync(res, req):
        req.stamp("sync")
        res.end(res.name())

    async def early(res, req):
        req.stamp("early")
        res.end(res.name())

    async def late(res, req):
        await asyncio.sleep(0)
        req.stamp("late")
        res.end(res.name())

    def deferred(res, req):
        req.preserve()

        def collect(res, chunk, is_end):
            req.stamp("deferred")
            res.end(res.name())

        res.on_data(collect)

    def started(res, req):
        async def answer():
            req.stamp("started")
            res.end(res.name())

        res.run_async(answer())

    def hooked(res, req):
        res.end(res.name())

    def answered(res, req):
        res.end("answered")
        seen.append(req.response is None)

    async def answered_late(res, req):
        await asyncio.sleep(0)
        answered(res, req)

    def upgrade(res, req, context):
        req.stamp("upgrade")
        names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
        res.upgrade(*map(req.get_header, names), context, res.name())

    for handler in (sync, early, late, deferred, started, hooked, answered, answered_late):
        app.any(f"/{handler.__name__}", handler)
    app.get("/seen", lambda res, req: res.end(seen))
    if kind != "stock":
        app.before_request(lambda res, req: req.stamp("hooked"), prefix="/hooked")
        app.ws("/ws", {"upgrade": upgrade, "open": lambda ws: ws.send(ws.get_user_data(), 1)})

        def yields(res, req):
            req.set_yield(1)

        app.get("/yielded", yields)
        app.any("/yielded", sync)
    return app


@pytest.fixture(scope="module", params=["app", "stock"])
def server(request):
    with serve(make, kind=request.param) as serving:
        serving.kind = request.param
        yield serving


@pytest.mark.parametrize("path", ["sync", "early", "late", "deferred", "started", "hooked", "yielded"])
def test_a_request_finds_its_response_from_the_start(server, path):
    if server.kind == "stock" and path in ("deferred", "hooked", "yielded"):
        pytest.skip("a stock app has no such requests")
    method, body = ("POST", b"x") if path == "deferred" else ("GET", None)
    for name in ("Ann", "Ben"):
        answer = httpx2.request(method, f"{server.url}/{path}", headers={"name": name}, content=body)
        stamped = "sync" if path == "yielded" else path
        assert (answer.text, answer.headers.get("x-stamp")) == (name, stamped), server.log


def test_a_request_that_is_answered_has_none():
    with serve(make, kind="app") as server:
        for path in ("answered", "answered_late"):
            assert httpx2.get(f"{server.url}/{path}").text == "answered"
        assert httpx2.get(server.url + "/seen").json() == [True, True]


def test_an_upgrade_finds_it_too():
    headers = {"name": "Ann"}
    with (
        serve(make, kind="app") as server,
        connect(server.ws_url + "/ws", proxy=None, additional_headers=headers) as ws,
    ):
        assert ws.recv(10) == "Ann"
        assert ws.response.headers["x-stamp"] == "upgrade"


def test_fakes_find_each_other():
    request = fake_request(stamp, headers={"name": "Ann"})
    response = fake_response(stamp, request=request)
    request.stamp("fake")
    assert request.response is response
    assert response.name() == "Ann"
    assert response.recorded.headers == [("X-Stamp", "fake")]
    response.end()
    assert request.response is None


def test_a_fake_request_makes_its_response():
    request = fake_request(stamp, headers={"name": "Ben"})
    request.stamp("fake")
    assert request.response.recorded.header("x-stamp") == "fake"
    assert request.response.name() == "Ben"
    assert fake_request().response.request.response is not None
