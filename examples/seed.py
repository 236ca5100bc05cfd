"""The example of socketify's own documentation, unchanged except for three corrected mistakes.

`encode_datetime` is defined, the anonymous user is a dict, and `user_data` is an object.
"""

import datetime
from dataclasses import dataclass

import msgpack
from socketify import OpCode

import socketify_ext


@dataclass
class User:
    username: str


def encode_datetime(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"can't encode a {type(value).__name__}")


def make(app):
    """Put the example on an app: a stock one, a `socketify_ext.App` or an installed one."""

    @socketify_ext.extension("seed")
    def extension(request, response, ws):
        @request.method
        async def get_user(self):
            token = self.get_header("token")
            return {"name": "Test"} if token else {"name": "Anonymous"}

        @response.method
        def msgpack(self, value: any):
            self.write_header(b"Content-Type", b"application/msgpack")
            data = packb(value, default=encode_datetime, use_bin_type=True)
            return self.end(data)

        @ws.method
        def send_pm(self, to_username: str, message: str):
            user_data = self.get_user_data()

            pm_topic = f"pm-{to_username}+{user_data.username}"

            # if topic exists just send the message
            if app.num_subscribers(pm_topic) > 0:
                # send private message
                return self.publish(pm_topic, message, OpCode.TEXT)

            # if the topic not exists create it and signal the user
            # subscribe to the conversation
            self.subscribe(pm_topic)
            # signal user that you want to talk and create an pm room
            # all users must subscribe to signal-{username}
            return self.publish(
                f"signal-{to_username}",
                {"type": "pm", "username": user_data.username, "message": message},
                OpCode.TEXT,
            )

        # this property can be used on extension methods and/or middlewares
        request.property("cart", [])

    # extensions must be registered before routes
    app.register(extension)

    async def user(res, req):
        res.end(await req.get_user())

    def now(res, req):
        res.msgpack({"now": datetime.datetime(2026, 1, 2, 3, 4, 5)})  # noqa: DTZ001 - the example's own: naive

    def cart(res, req):
        req.cart.append(req.get_query("item"))
        res.end(req.cart)

    def upgrade(res, req, context):
        res.upgrade(
            req.get_header("sec-websocket-key"),
            req.get_header("sec-websocket-protocol"),
            req.get_header("sec-websocket-extensions"),
            context,
            User(req.get_query("name")),
        )

    def message(ws, text, opcode):
        to_username, _, words = text.partition(": ")
        ws.send_pm(to_username, words)

    app.get("/user", user)
    app.get("/now", now)
    app.get("/cart", cart)
    app.ws(
        "/chat",
        {
            "upgrade": upgrade,
            "open": lambda ws: ws.subscribe(f"signal-{ws.get_user_data().username}"),
            "message": message,
        },
    )
    return app


packb = msgpack.packb

if __name__ == "__main__":
    server = make(socketify_ext.App())
    server.listen(3000, lambda config: print(f"Listening on http://localhost:{config.port}"))
    server.run()
