"""An API whose handlers call no extension: guards, limits, headers, sessions and its document come by themselves.

`python examples/no_calls.py` serves it on port 3000; the plugins of this project must be installed.
"""

import os

from pydantic import BaseModel, Field

import socketify_ext
from socketify_ext import load

USERS = {"reader": {"name": "Ann"}, "seller": {"name": "Ben", "scope": "sell"}}
PAGE = os.environ.get("PAGE", "https://app.example")  # whose scripts may use this API


class Order(BaseModel):
    sku: str = Field(min_length=1, max_length=40)
    quantity: int = Field(1, ge=1, le=99)


def extensions(page=PAGE):
    return [
        load("json"),
        load(
            "cors",
            allow_origins=[page],
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=["Authorization"],
            allow_credentials=True,
            expose_headers=["X-Request-ID", "RateLimit"],
        ),
        load("auth", tokens=USERS),
        load("ratelimit", limits={"/": "10000/minute"}),
        load("metrics"),
        load("sessions", secret="an example's secret", cookie_secure=False, automatic=True),
        load("csrf", trusted_origins=[page]),
        load("security-headers"),
        load("request-id", access_log=False),
        load("schema"),
        load("openapi", title="Orders", version="1.0"),
    ]


def make(page=PAGE, order=None):
    app = socketify_ext.App()
    given = extensions(page)
    for index in order or range(len(given)):
        app.register(given[index])

    @app.get("/")
    def home(res, req):
        return {"articles": ["tea", "milk"]}

    @app.get("/visits", tags=["people"])
    def visits(res, req):
        """Count the visits of a browser."""
        req.session["visits"] = req.session.get("visits", 0) + 1
        return {"visits": req.session["visits"]}

    @app.get("/me", auth=True, tags=["people"])
    def me(res, req):
        """Let in whoever has a token."""
        return {"you": "are in"}

    @app.post("/orders", auth=["sell"], body=Order, returns={201: Order}, rate_limit="5/minute", tags=["orders"])
    def order_article(res, req):
        """Order something."""
        res.write_status(201)
        return req.valid.body

    @app.delete("/orders/:number", auth=["sell"], tags=["orders"])
    def cancel(res, req):
        """Cancel an order."""
        res.write_status(204).end_without_body()

    @app.get("/broken")
    def broken(res, req):
        raise ValueError("a fault")

    app.ws("/news", {"open": lambda ws: ws.send(f"welcome, {ws.get_user().name}", 1)}, auth=True)
    return app


if __name__ == "__main__":
    app = make()
    app.listen({"port": 3000, "host": "127.0.0.1"})
    app.run()
