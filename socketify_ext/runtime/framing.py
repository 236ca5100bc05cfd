"""Framing: requests whose end the core's parser may see elsewhere than a proxy in front (RFC 9112, 6.3).

The core takes any Transfer-Encoding for "chunked" and the first of several Content-Length lines for the only one.
Such a request is refused with its connection, since the bytes behind it may be another client's to the proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .request import Request
    from .response import Response

_CODING: Final = b"transfer-encoding"
_LENGTH: Final = b"content-length"
_STATUS: Final = b"400 Bad Request"
_TYPE: Final = b"application/json"
# Longer than the core's cork buffer (16 KiB): only such a body is sent before the connection closes, and behind the
# answers that wait in that buffer. JSON ignores the blanks.
_BODY: Final = b'{"detail":"the length of the body is ambiguous"}'.ljust(20 * 1024)


def check_coding(handler: Callable[..., Any], *, preserves: bool = False) -> Callable[..., Any]:
    """Refuse requests with a Transfer-Encoding other than "chunked" before `handler` sees them.

    Args:
        handler: what comes behind.
        preserves: whether the request takes its snapshot anyway, which then is looked at.
    """

    def handle(response: Response, request: Request) -> Any:
        if preserves and not _may_be_coded(request.preserve()):
            return handler(response, request)
        return None if has_refused_coding(response, request) else handler(response, request)

    return handle


def has_refused_coding(response: Response, request: Request) -> bool:
    """Refuse a request with a Transfer-Encoding other than "chunked"; costs one native call for any other request.

    Returns:
        Whether it was refused.
    """
    req, address = request.req, request._buffer
    request._get_native_header(req, _CODING, len(_CODING), address)
    if not address[0]:
        return False
    if not is_ambiguous(request._raw_lines()) and not request._lib.uws_req_is_ancient(req):
        return False
    refuse(response)
    return True


def check_headers(response: Response, request: Request) -> None:
    """Refuse an ambiguous request that waits for its body or for its answer, and so has its headers read anyway."""
    headers = request.get_headers()  # kept, so that a snapshot that follows costs nothing more
    if response._answered:
        return
    if _may_be_coded(request):
        ambiguous = is_ambiguous(request._raw_lines())
    else:
        ambiguous = not headers.get("content-length", "0").strip(" \t")
    if ambiguous:
        refuse(response)


def _may_be_coded(request: Request) -> bool:
    """Check whether a snapshot has a Transfer-Encoding, or lines of which it has not each."""
    return request._repeated is not None or "transfer-encoding" in request.get_headers()


def is_ambiguous(lines: Iterable[tuple[bytes, bytes]]) -> bool:
    """Report whether the headers leave the end of the body in doubt; names are in lower case."""
    codings: list[bytes] = []
    lengths: list[bytes] = []
    for name, value in lines:
        if name == _CODING:
            codings.append(value.strip(b" \t").lower())
        elif name == _LENGTH:
            lengths.append(value.strip(b" \t"))
    if codings:
        return codings != [b"chunked"] or bool(lengths)
    return len(lengths) > 1 or lengths == [b""]


def refuse(response: Response) -> None:
    """Answer 400 and close the connection, so that nothing sent behind the request is served."""
    lib, ssl, res = response._lib, response._ssl, response.res
    response._leave()  # those that wait for the client or the body are told
    # `end_connection` alone leaves the rest of the connection's buffer to the core's parser.
    lib.socketify_res_cork_send(ssl, res, _BODY, len(_BODY), _STATUS, len(_STATUS), _TYPE, len(_TYPE), True)
    lib.uws_res_close(ssl, res)
