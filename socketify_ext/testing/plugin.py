"""The pytest plugin: a server for each test module that has a `make_app`, and clients of it.

pytest loads it with every run: it imports neither the core nor a client before a fixture is used, and its fixtures are
named `socketify_...`, so that none takes the place of another plugin's. `short_names` has the same under short names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    import httpx2
    from websockets.sync.client import ClientConnection

    from ..registry.registry import Registry
    from .serving import Serving

_SERVERS: Final = ("socketify_server", "server")


def app_factory(module: Any) -> Callable[[], Any]:
    """Return the function `make_app` of a test module.

    Raises:
        UsageError: it has none.
    """
    found = getattr(module, "make_app", None)
    if callable(found):
        function: Callable[[], Any] = found
        return function
    raise pytest.UsageError(
        f"{module.__name__} asks for a server and has no app for it: define a function make_app there that returns the "
        "app, or a fixture socketify_make_app that gives one"
    )


@contextlib.contextmanager
def running(make_app: Callable[[], Any]) -> Iterator[Serving]:
    """Serve the app of `make_app` in a process of its own, which may not end by itself."""
    from .serving import serve

    with serve(make_app) as serving:
        yield serving
        code = serving.process.poll()
        if code is not None:
            pytest.fail(f"the server's process ended with code {code} during these tests; it wrote:\n{serving.log}")


@contextlib.contextmanager
def http_client(server: Serving) -> Iterator[httpx2.Client]:
    """Open an HTTP client of a server."""
    import httpx2

    with httpx2.Client(base_url=server.url, trust_env=False) as made:
        yield made


@contextlib.contextmanager
def socket_opener(server: Serving) -> Iterator[Callable[..., ClientConnection]]:
    """Return a function that opens WebSockets, which are closed at the end."""
    from websockets.sync.client import connect

    with contextlib.ExitStack() as stack:

        def open_socket(path: str = "/", **arguments: Any) -> ClientConnection:
            made: ClientConnection = connect(f"{server.ws_url}{path}", **{"proxy": None, **arguments})
            stack.enter_context(made)
            return made

        yield open_socket


@pytest.fixture(scope="module")
def socketify_make_app(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Return the module's function `make_app`, which makes the app of the server; a fixture may take its place."""
    return app_factory(request.module)


@pytest.fixture(scope="module")
def socketify_server(socketify_make_app: Callable[[], Any]) -> Iterator[Serving]:
    """Serve the app of `make_app`, in a process of its own for the whole module."""
    with running(socketify_make_app) as serving:
        yield serving


@pytest.fixture
def socketify_client(socketify_server: Serving) -> Iterator[httpx2.Client]:
    """Return an HTTP client of the server, a fresh one for each test."""
    with http_client(socketify_server) as made:
        yield made


@pytest.fixture
def socketify_ws(socketify_server: Serving) -> Iterator[Callable[..., ClientConnection]]:
    """Return a function that opens a WebSocket: `socketify_ws("/chat")`, and `websockets.sync.client.connect`'s arguments."""
    with socket_opener(socketify_server) as open_socket:
        yield open_socket


@pytest.fixture
def socketify_registry() -> Registry:
    """Return an empty registry: nothing that is installed is found in it."""
    from .assembly import isolated_registry

    return isolated_registry()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the server's output beside a failed test."""
    report = yield
    if report.when == "call" and report.failed:
        given = getattr(item, "funcargs", {})
        for serving in {id(given[name]): given[name] for name in _SERVERS if name in given}.values():
            if hasattr(serving, "process") and hasattr(serving, "log"):  # ours, not a test's own of that name
                report.sections.append(("server log", serving.log))
    return report
