"""Robyn, which has no members; a function takes the request."""

import sys

from robyn import Robyn

app = Robyn(__file__)


def get_user(request):
    return {"name": "Test"} if request.headers.get("token") else {"name": "Anonymous"}


@app.get("/")
def home(request):
    return get_user(request)


sys.argv[1:], port = [], int(sys.argv[1])
app.start(host="127.0.0.1", port=port)
