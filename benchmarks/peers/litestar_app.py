# ruff: noqa: D101, D102, ARG005  # members that only count
"""Litestar under uvicorn, with the members on its own Request class."""

import sys

import uvicorn
from litestar import Litestar, Request, get


class OurRequest(Request):
    def get_user(self) -> dict[str, str]:
        return {"name": "Test"} if self.headers.get("token") else {"name": "Anonymous"}


for index in range(20):
    setattr(OurRequest, f"question_{index}", lambda self: None)


@get("/", sync_to_thread=False)
def home(request: Request) -> dict[str, str]:
    return request.get_user()


app = Litestar([home], request_class=OurRequest, openapi_config=None)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
