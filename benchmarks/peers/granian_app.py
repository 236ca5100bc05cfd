"""Granian with its own interface, RSGI, which has no members; a function takes the scope."""

import json
import sys
from pathlib import Path

from granian import Granian

HEADERS = [("content-type", "application/json")]


def get_user(scope):
    return {"name": "Test"} if scope.headers.get("token") else {"name": "Anonymous"}


async def app(scope, protocol):
    protocol.response_str(200, HEADERS, json.dumps(get_user(scope)))


if __name__ == "__main__":
    Granian(f"{Path(__file__).stem}:app", "127.0.0.1", int(sys.argv[1]), interface="rsgi", websockets=False).serve()
