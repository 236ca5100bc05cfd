"""The pytest plugin: a server for each test module that has a `make_app`, and clients of it.

pytest loads it with every run: it imports neither the core nor a client before a fixture is used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx2
    from websockets.sync.client import ClientConnection

    from ..registry.registry import Registry
    from .serving import Serving


@pytest.fixture(scope="module")
def make_app(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Return the module's function `make_app`, which makes the app of `server`; a fixture may take its place."""
    found = getattr(request.module, "make_app", None)
    if callable(found):
        function: Callable[[], Any] = found
        return function
    raise pytest.UsageError(
        f"{request.module.__name__} asks for a server and has no app for it: "
        "define a function or a fixture make_app there, which gives a function that returns the app"
    )


@pytest.fixture(scope="module")
def server(make_app: Callable[[], Any]) -> Iterator[Serving]:
    """Serve the app of `make_app`, in a process of its own for the whole module."""
    from .serving import serve

    with serve(make_app) as serving:
        yield serving
        code = serving.process.poll()
        if code is not None:
            pytest.fail(f"the server's process ended with code {code} during these tests; it wrote:\n{serving.log}")


@pytest.fixture
def client(server: Serving) -> Iterator[httpx2.Client]:
    """Return an HTTP client of the server, a fresh one for each test."""
    import httpx2

    with httpx2.Client(base_url=server.url, trust_env=False) as made:
        yield made


@pytest.fixture
def ws(server: Serving) -> Iterator[Callable[..., ClientConnection]]:
    """Return a function that opens a WebSocket, `ws("/chat")`, with the arguments of `websockets.sync.client.connect`."""
    from websockets.sync.client import connect

    with contextlib.ExitStack() as stack:

        def open_socket(path: str = "/", **arguments: Any) -> ClientConnection:
            made: ClientConnection = connect(f"{server.ws_url}{path}", **{"proxy": None, **arguments})
            stack.enter_context(made)
            return made

        yield open_socket


@pytest.fixture
def isolated_registry() -> Registry:
    """Return an empty registry: nothing that is installed is found in it."""
    from .assembly import isolated_registry as make

    return make()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the server's output beside a failed test."""
    report = yield
    serving: Any = getattr(item, "funcargs", {}).get("server")
    if report.when == "call" and report.failed and hasattr(serving, "process"):  # ours, not a test's own of that name
        report.sections.append(("server log", serving.log))
    return report
