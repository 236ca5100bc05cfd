# ruff: noqa: D101, D102, ARG005  # members that only count
"""Sanic with sanic-ext, with the members on its own Request class and the user as an injected dependency."""

import sys

from sanic import Request, Sanic
from sanic.response import json
from sanic_ext import Extend


class User(dict):
    pass


class OurRequest(Request):
    def get_user(self):
        return User(name="Test") if self.headers.get("token") else User(name="Anonymous")


for index in range(20):
    setattr(OurRequest, f"question_{index}", lambda self: None)

app = Sanic("peer", request_class=OurRequest)
Extend(app)


async def user(request: Request) -> User:
    return request.get_user()


app.ext.add_dependency(User, user)


@app.get("/")
async def home(request, user: User):
    return json(user)


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False, motd=False)
