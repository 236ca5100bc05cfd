"""An app that knows which paths it has served and who it was asked for."""

import framing_apps


def make():
    app = framing_apps.make()
    seen = []

    def smuggled(res, req):
        seen.append(req.get_full_url())
        res.end("smuggled")

    def tell(res, req):
        res.end(seen.copy())
        seen.clear()

    def forwarded(res, req):
        found = []
        req.for_each_header(lambda name, value: found.append((name, value)))
        res.end([value for name, value in found if name.replace("_", "-") == "x-forwarded-for"])

    app.get("/smuggled", smuggled)
    app.get("/seen", tell)
    app.get("/forwarded", forwarded)
    app.ws("/ws", {"message": lambda ws, message, opcode: ws.send(message)})
    return app
