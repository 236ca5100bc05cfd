"""A request without a server."""

from __future__ import annotations

from ...runtime.request import Request


class FakeRequest(Request):
    """A request whose every part is in its snapshot."""

    _given = b""

    def set_yield(self, has_yield: bool) -> None:
        """Leave the request to the next matching route."""
        self._yielded = bool(has_yield)

    def get_yield(self) -> bool:
        """Tell whether the request was left to the next matching route."""
        return self._yielded

    def is_ancient(self) -> bool:
        """Tell whether the client speaks HTTP/1.0, which a fake one does not."""
        return False


def filled(
    request: FakeRequest, method: str, full_url: str, headers: dict[str, str], parameters: list[str], body: bytes
) -> FakeRequest:
    """Set what the request is asked for."""
    request._method = method
    request._full_url = full_url
    request._url = full_url.partition("?")[0]
    request._headers = headers
    request._params = parameters
    request._given = body
    return request
