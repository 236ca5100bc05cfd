"""FastPySGI with WSGI, which has no members; a function takes the environment."""

import json
import sys

import fastpysgi

HEADERS = [("Content-Type", "application/json")]


def get_user(environ):
    return {"name": "Test"} if environ.get("HTTP_TOKEN") else {"name": "Anonymous"}


def app(environ, start_response):
    start_response("200 OK", HEADERS)
    return [json.dumps(get_user(environ)).encode()]


fastpysgi.server.tcp_nodelay = 1  # as all others do; else pipelined requests wait for 40 ms
fastpysgi.run(app, host="127.0.0.1", port=int(sys.argv[1]))
