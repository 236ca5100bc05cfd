"""The work of one registration, counted in calls."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import socketify_ext

PACKAGE = Path(socketify_ext.__file__).parent
MOST = 140  # a change with scopes, route options and hooks of routes; 163 were those of the first version, without them


def make(name):
    @socketify_ext.extension(name)
    def made(request, response, ws, *, app):
        @request.method
        def get_user(self):
            return None

        request.property("count", 0)

        @app.before_request
        def check(res, req):
            pass

    return made


def test_a_registration_takes_few_calls():
    socketify_ext.App().register(make("first"))  # models are built on first use
    app, extension = socketify_ext.App(), make("shop")
    calls = Counter()

    def count(frame, event, argument):
        if event == "call" and Path(frame.f_code.co_filename).is_relative_to(PACKAGE):
            calls[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        app.register(extension)
    finally:
        sys.setprofile(None)
    assert calls.total() < MOST, calls.most_common()
    assert "__str__" not in calls  # the text of a provenance is made for an error alone
