"""An app with built-ins: `make demo` serves it, `make demo-check` sends it requests."""

import datetime
import sys

import socketify_ext


def make():
    app = socketify_ext.App()
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("auth", tokens={"secret": {"name": "Test"}}))
    app.register(socketify_ext.load("cart"))
    app.register(socketify_ext.load("pm"))

    async def user(res, req):
        res.end(await req.get_user())

    def cart(res, req):
        req.cart.append(req.get_query("item"))
        res.end(req.cart)

    def upgrade(res, req, context):
        res.upgrade(
            req.get_header("sec-websocket-key"),
            req.get_header("sec-websocket-protocol"),
            req.get_header("sec-websocket-extensions"),
            context,
            {"username": req.get_query("name")},
        )

    def message(ws, text, opcode):
        to_username, _, words = text.partition(": ")
        ws.send_pm(to_username, words)

    app.get("/user", user)
    app.get("/now", lambda res, req: res.msgpack({"now": datetime.datetime.now(datetime.timezone.utc)}))
    app.get("/cart", cart)
    app.ws(
        "/chat",
        {
            "upgrade": upgrade,
            "open": lambda ws: ws.subscribe(f"signal-{ws.get_user_data()['username']}"),
            "message": message,
        },
    )
    return app


def main():
    app = make()
    print(socketify_ext.inspect(app))

    def listening(config):
        url = f"127.0.0.1:{config.port}"
        print(f"\ncurl -H 'token: secret' http://{url}/user\ncurl http://{url}/now | xxd")
        print(f"curl 'http://{url}/cart?item=book'\nWebSocket: ws://{url}/chat?name=Ann, then send 'Ben: hello'")
        sys.stdout.flush()

    app.listen({"port": 3000, "host": "127.0.0.1"}, listening)
    app.run()


if __name__ == "__main__":
    main()
