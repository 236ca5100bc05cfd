"""The app that is soaked: members on all targets, answers from every kind of handler, and handles that are kept."""

import asyncio

from socketify import OpCode

import socketify_ext


@socketify_ext.extension("soaked")
def soaked(request, response, ws):
    request.property("seen", [])
    ws.property("heard", [])

    @request.method
    def token(self):
        return self.get_header("token")

    @response.method
    def answer(self, value):
        return self.end(value)

    @ws.method
    def tell(self, text):
        return self.send(text, OpCode.TEXT)


def make():
    app = socketify_ext.App(shutdown_grace=2)
    app.register(soaked)
    stored = []

    def sync(res, req):
        req.seen.append(req.token())
        res.answer({"token": req.token(), "seen": req.seen})

    async def suspending(res, req):
        req.seen.append(req.token())
        await asyncio.sleep(0)
        res.cork(lambda answer: answer.answer({"token": req.token(), "seen": req.seen}))

    async def slow(res, req):
        await asyncio.sleep(0.005)
        res.answer({"token": req.token(), "seen": [req.get_query("q")]})

    async def body(res, req):
        data = await res.get_json()
        res.answer({"token": req.token(), "seen": [data]})

    def spawned(res, req):
        async def later():
            await asyncio.sleep(0)
            res.answer({"token": req.token(), "seen": [req.token()]})

        res.run_async(later())

    async def failing(res, req):
        await asyncio.sleep(0)
        raise socketify_ext.HTTPError(418, req.token())

    def poke(res, req):
        written = refused = 0
        for ws in list(stored):
            try:
                ws.tell("poke")
                written += 1
            except socketify_ext.errors.ConnectionClosedError:
                stored.remove(ws)
                refused += 1
        res.end({"written": written, "refused": refused})

    def opened(ws):
        stored.append(ws.clone())

    def message(ws, text, opcode):
        ws.heard.append(text)
        ws.tell(ws.heard[-1])

    for path, handler in {
        "/sync": sync,
        "/suspending": suspending,
        "/slow": slow,
        "/spawned": spawned,
        "/failing": failing,
        "/poke": poke,
    }.items():
        app.get(path, handler)
    app.post("/body", body)
    app.ws("/ws", {"open": opened, "message": message, "close": lambda ws, code, reason: ws.heard.clear()})
    return app
