"""The fixtures of the pytest plugin under short names, for a project that asks for them: `-p socketify_ext.testing.short_names`.

Another plugin's fixture of the same name wins over these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .plugin import app_factory, http_client, running, socket_opener

if TYPE_CHECKING:
    import httpx2
    from websockets.sync.client import ClientConnection

    from .serving import Serving


@pytest.fixture(scope="module")
def make_app(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Return the module's function `make_app`; a fixture may take its place."""
    return app_factory(request.module)


@pytest.fixture(scope="module")
def server(make_app: Callable[[], Any]) -> Iterator[Serving]:
    """Serve the app of `make_app`; a module's own fixture of this name serves `client` and `ws`, too."""
    with running(make_app) as serving:
        yield serving


@pytest.fixture
def client(server: Serving) -> Iterator[httpx2.Client]:
    """Return an HTTP client of the server."""
    with http_client(server) as made:
        yield made


@pytest.fixture
def ws(server: Serving) -> Iterator[Callable[..., ClientConnection]]:
    """Return a function that opens a WebSocket."""
    with socket_opener(server) as open_socket:
        yield open_socket
