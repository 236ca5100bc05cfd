"""BlackSheep under uvicorn; its requests are of a compiled class, and a function takes one."""

import sys

import uvicorn
from blacksheep import Application, Request, get, json

app = Application()


def get_user(request: Request) -> dict[str, str]:
    return {"name": "Test"} if request.get_first_header(b"token") else {"name": "Anonymous"}


@get("/")
async def home(request: Request):
    return json(get_user(request))


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
