"""Requests, responses and sockets without a server, for unit tests of members."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from ...registration import Registration
from ...registry.registry import Registry, default_registry
from ...runtime.core import reserved_names
from ...runtime.request import Request
from ...runtime.response import Response
from ...runtime.websocket import WebSocket
from ...sdk.spec import TARGETS, Target
from ..assembly import Registrable, found, standing_in
from . import request as requests
from . import response as responses
from . import websocket as sockets
from .body import encode_body
from .server import FakeApp, put_behind

_BASES: Final[dict[Target, type]] = {"request": Request, "response": Response, "ws": sockets.RecordedWebSocket}
_NATIVE: Final[Mapping[Target, Mapping[str, Any]]] = {
    "request": requests.NATIVE,
    "response": responses.NATIVE,
    "ws": sockets.NATIVE,
}


def fake_request(
    *extensions: Registrable,
    method: str = "GET",
    url: str = "/",
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    parameters: Sequence[str] | Mapping[str, Any] = (),
    body: Any = b"",
    form: Mapping[str, Any] | None = None,
    app: Any = None,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Any:
    """Make a request that has the members of `extensions` and answers all reads from these arguments.

    It never touches the core's memory; members that are coroutines run in the test's own loop. Its `response` is the one
    that `fake_response(request=...)` has made, else one with the members of the same extensions.

    Args:
        extensions: loaded or declared ones, bare functions, or names to load.
        method: as it was sent.
        url: the path, with or without a query.
        query: added to the url's query; a list gives a key several values.
        headers: by name, in any case.
        parameters: the route's parameters in order, as they are sent, or as they are read, by name.
        body: text, bytes, or any other object as JSON; `fake_response(request=...)` reads it.
        form: a form as the body: text by name, a tuple of a file's name, its bytes and maybe its type, or a list of them.
        app: the `self.app` of members; by default one that keeps publications.
        overrides: as for `extension_app`.
        registry: where required extensions are loaded from.

    Raises:
        ExtensionError: see `docs/errors.md`.
    """
    made = _fake("request", extensions, app, overrides, registry)
    data, given = encode_body(body, form)
    given |= {"host": "testserver"} | {name.lower(): value for name, value in (headers or {}).items()}
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)

    def respond(request: Any) -> Any:
        return fake_response(*extensions, request=request, app=made.app, overrides=overrides, registry=registry)

    requests.fill(made, method, url, given, parameters, requests.Asked(data, respond))
    return made


def fake_response(
    *extensions: Registrable,
    request: Any = None,
    app: Any = None,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Any:
    """Make a response that has the members of `extensions` and writes to its `recorded`; `upgrade` takes None as context.

    `recorded` is an `Answer`: status, headers, body, and whether the answer is complete.

    Args:
        extensions: as for `fake_request`.
        request: the request that is answered, a fake one; `get_json()` and the like return its body.
        app: as for `fake_request`.
        overrides: as for `extension_app`.
        registry: as for `fake_request`.

    Raises:
        ExtensionError: see `docs/errors.md`.
    """
    made = _fake("response", extensions, app, overrides, registry)
    responses.connect(made, fake_request() if request is None else request)
    return made


def fake_websocket(
    *extensions: Registrable,
    user_data: Any = None,
    topics: Sequence[str] = (),
    app: Any = None,
    overrides: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Any:
    """Make an open WebSocket that has the members of `extensions` and writes to its `recorded`.

    `recorded` is a `Traffic`: messages, topics, close code. What is published is in `ws.app.published`, unless `app`
    is given.

    Args:
        extensions: as for `fake_request`.
        user_data: returned by `get_user_data()`.
        topics: those that it listens on.
        app: as for `fake_request`.
        overrides: as for `extension_app`.
        registry: as for `fake_request`.

    Raises:
        ExtensionError: see `docs/errors.md`.
    """
    made = _fake("ws", extensions, app, overrides, registry)
    sockets.open_socket(made, user_data, list(topics))
    return made


def copied(fake: Any) -> Any:
    """Return a copy of a fresh fake, with a record of its own."""
    made = copy.copy(fake)
    if isinstance(made, Response):
        responses.connect(made, made._request)
    elif isinstance(made, WebSocket):
        sockets.open_socket(made, made.socket_data, list(fake.recorded.topics))
    else:
        made.req = copy.copy(made.req)
        made.req.response = None
    return made


def _fake(
    target: Target,
    extensions: Sequence[Registrable],
    app: Any,
    overrides: Mapping[str, Any] | None,
    registry: Registry | None,
) -> Any:
    """Compile extensions as an app does, and put the recording native layer behind the class."""
    stand_in = FakeApp() if app is None else app
    reserved = {each: reserved_names(each, _BASES[each]) for each in TARGETS}
    registration = Registration(stand_in, registry or default_registry(), _BASES, reserved)
    for each in found(extensions, registry):
        registration.complete(registration.plan(each))
    if overrides:
        resolved = registration.current.resolution.members
        known = {f"{target}.{name}": member for (target, name), member in resolved.items()}
        registration.complete(registration.plan(standing_in(overrides, known)))
    plan = registration.current
    serializers = [each.app.serializer for each in plan.declarations.values() if each.app.serializer is not None]
    return put_behind(plan.classes[target], stand_in, serializers[-1] if serializers else json, _NATIVE[target])()
