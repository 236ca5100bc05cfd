# ruff: noqa: D101, D102, ARG005  # members that only count
"""Starlette under uvicorn, with the members on a subclass of Request."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class OurRequest(Request):
    def get_user(self):
        return {"name": "Test"} if self.headers.get("token") else {"name": "Anonymous"}


for index in range(20):
    setattr(OurRequest, f"question_{index}", lambda self: None)


class Home:
    def __init__(self, scope, receive, send):
        self.call = scope, receive, send

    def __await__(self):
        scope, receive, send = self.call
        return JSONResponse(OurRequest(scope, receive).get_user())(scope, receive, send).__await__()


app = Starlette(routes=[Route("/", Home)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
