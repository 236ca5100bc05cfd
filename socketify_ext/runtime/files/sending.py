"""Files as answers: conditions, one byte range, and parts that are read when the client takes them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pathlib
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

from ... import errors
from ...errors import HTTPError
from ..headers import encode_value
from ..patterns import route_key
from ..response_head import has_content_type
from ..routes import TwinRoute
from .byte_range import byte_range
from .disposition import attachment
from .folder import Folder, OpenFile, names_in, open_file, plain_names
from .media_type import media_type
from .validator import Validator, single

if TYPE_CHECKING:
    from asyncio import Future

    from ..request import Request
    from ..response import Response
    from ..scope_node import ScopeNode
    from ..server import Server

_NONE: Final[Mapping[str, bytes]] = MappingProxyType({})
Path: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"

log = logging.getLogger("socketify_ext")

_AT_ONCE: Final = 64 * 1024  # bytes that are read in the server's thread, and sent as one
_MOST: Final = 256 * 1024  # bytes that are read for one part of a larger file,
_LEAST: Final = 64 * 1024  # and for a client that takes little
_QUERY: Final = "!$&'()*+,;=:@/?%"  # what stands in a query as it is (RFC 3986, 3.4)


class StaticFiles:
    """The handler of a folder's files, for GET and HEAD."""

    answers_get = True

    def __init__(self, node: ScopeNode, prefix: str, folder: Folder) -> None:
        self._node = node
        self.prefix = prefix
        self._folder = folder
        self._start = f"{prefix}/"

    def __call__(self, response: Response, request: Request) -> Any:
        """Answer with the file that the path names; where there is none, as for a path without a route."""
        try:
            return self._serve(response, request)
        except HTTPError as error:
            if error.status != 404:
                raise
        return self._node.answer_not_found(response, request)

    def _serve(self, response: Response, request: Request) -> Coroutine[Any, Any, None] | None:
        url = request.get_url() or ""
        if url == self.prefix:
            self._redirect(response, request, [])
            return None
        names = names_in(url[len(self._start) :]) if url.startswith(self._start) else None
        if names is None:
            raise HTTPError(404)
        found = self._folder.open(names, lambda: request.get_header_list("accept-encoding"))
        if found is None:
            self._redirect(response, request, names)
            return None
        return answer_file(response, request, found)

    def _redirect(self, response: Response, request: Request, names: list[str]) -> None:
        """Redirect to the directory's own URL, so that relative links resolve."""
        if (names and not names[-1]) or not self._folder.has_index(names):
            raise HTTPError(404)
        place = "/".join((self.prefix, *(quote(name, safe="") for name in names), ""))
        _, mark, query = (request.get_full_url() or "").partition("?")
        response.redirect(place + mark + quote(query, safe=_QUERY), 308)


def answer_file(
    response: Response, request: Request | None, file: OpenFile, headers: Mapping[str, bytes] = _NONE
) -> Coroutine[Any, Any, None] | None:
    """Answer with an open file, and close it.

    Args:
        response: of the request.
        request: whose conditions and range are looked at.
        file: is closed in any case.
        headers: that describe the file, where it is sent.

    Returns:
        A coroutine that sends a large file; None where the answer is complete.
    """
    sending = None
    try:
        part = _begin(response, request, file, headers)
        if part is None:
            return None
        # Hooks see of a small file what they see after GET, so that the heads are the same.
        if response._is_bodiless() and (len(part) > _AT_ONCE or not response._before_send):
            response.try_end(b"", len(part))
        elif len(part) <= _AT_ONCE:
            data = file.read(part.start, len(part))
            if len(data) == len(part):
                response.end(data)
            else:  # the size is out of date
                response.close()
        else:
            sending = _send(response, file, part)
    finally:
        if sending is None:
            file.stream.close()
    return sending


def _begin(response: Response, request: Request | None, file: OpenFile, headers: Mapping[str, bytes]) -> range | None:
    """Write the head, or answer without the file; return the range of bytes to send."""
    part = range(file.size)
    validator = Validator(file.modified, file.size, file.coding)
    status = 200
    # Conditions are for what would be 200 (RFC 9110, 13.2.1): a page for 404 is not asked about.
    if request is not None and response._status is None:
        status, part = _outcome(request, validator, file.size)
    if status in (412, 416):
        detail = json.dumps({"detail": HTTPStatus(status).phrase}).encode()
        size = {"Content-Range": f"bytes */{file.size}"} if status == 416 else {}
        response._fail(status, detail, b"application/json", size)
        return None
    if status != 200:
        response.write_status(status)
    response.set_header("Accept-Ranges", "bytes")
    if file.has_variants:
        response.write_header("Vary", "Accept-Encoding")
    response.set_header("ETag", validator.etag).set_header("Last-Modified", validator.date)
    if status == 304:
        response.end(b"")
        return None
    if status == 206:
        response.set_header("Content-Range", f"bytes {part.start}-{part.stop - 1}/{file.size}")
    for name, value in headers.items():
        response.set_header(name, value)
    if not has_content_type(response._head):
        response.write_header("Content-Type", media_type(file.name))
    if file.coding:
        response.set_header("Content-Encoding", file.coding)
    return part


def _outcome(request: Request, validator: Validator, size: int) -> tuple[int, range]:
    """Decide on the status, in the order of RFC 9110, 13.2.2, and on the bytes."""
    whole, method = range(size), request.get_method()
    if method not in ("GET", "HEAD"):
        return 200, whole
    if validator.fails(request):
        return 412, whole
    if validator.is_fresh(request):
        return 304, whole
    if method == "HEAD" or request.get_header("range") is None or not validator.allows_range(request):
        return 200, whole
    part = byte_range(single(request, "range"), size)
    if part is None:
        return 200, whole
    return (206, part) if part else (416, part)


async def _send(response: Response, file: OpenFile, part: range) -> None:
    """Send a large file; while the client takes nothing, no part of it is kept."""
    loop, total, most = response._server.loop, len(part), _MOST
    owed = 0  # OpenSSL takes a write up again only with no less than it was given before
    with file.stream:
        while not response._answered:
            offset = response.get_write_offset()
            length = min(max(most, owed - offset), total - offset)
            data = file.read_cached(part.start + offset, length)
            if data is None or len(data) < owed - offset:
                if not response._head_sent:
                    response.try_end(b"", total)  # so that no other answer comes in between
                data = await loop.run_in_executor(None, file.read, part.start + offset, length)
                if response._answered:
                    return
                if len(data) < length:
                    log.warning("%s has become shorter while it was sent: its connection is closed", file.name)
                    response.close()
                    return
            end = offset + len(data)
            taken, is_complete = response.try_end(data, total)
            del data
            if is_complete:
                return
            if taken:
                most = min(2 * most, _MOST)
                await asyncio.sleep(0)  # other requests come in between
                continue
            # What the client did not take is read again: no more than it may take then.
            if response._ssl:
                owed = end
            else:
                most = max(_LEAST, min(2 * (response.get_write_offset() - offset), _MOST))
            await _writable(response)


async def _writable(response: Response) -> None:
    """Wait until the client takes more, or has left."""
    future: Future[tuple[bool, bool]] = response._server.loop.create_future()

    def go_on(response: Response, offset: int) -> bool:
        if not future.done():
            future.set_result((True, False))
        return True

    response._chunkFuture = future  # the end of the request sets it
    response.on_writable(go_on)
    await future


def send_file(
    response: Response, path: Path, folder: Path | None, content_type: str | None, download_name: str | None
) -> Future[None]:
    """Answer with a file.

    Returns:
        A future that is done once the answer is complete or the client has left.

    Raises:
        HTTPError: 404, there is no such file.
    """
    place, inside, headers = os.fsdecode(path), None if folder is None else os.fsdecode(folder), {}
    if inside is not None and not inside:
        raise errors.ArgumentError(
            "res.send_file", "got no folder", "its path is empty", 'Write "." for the working directory'
        )
    if content_type is not None:
        headers["Content-Type"] = encode_value(content_type)
    if download_name is not None:
        headers["Content-Disposition"] = encode_value(attachment(download_name))
    server, request = response._server, response._request
    done: Future[None] = server.loop.create_future()
    if response._answered or response._head_sent or response._begun:
        refuse = response._refuse if response._answered else response._refuse_head
        refuse("send_file")
        done.set_result(None)
        return done
    file = _open(place, inside)
    if file is None:
        raise HTTPError(404)
    sending = answer_file(response, request, file, headers)
    if sending is None:
        done.set_result(None)
    else:
        server.start(_finish(sending, done), response, request, response._route)
    return done


def _open(path: str, folder: str | None) -> OpenFile | None:
    if folder is not None:
        names = plain_names(path)
        return None if names is None else Folder(folder).open(names)
    try:
        return open_file(os.path.realpath(path))
    except ValueError:  # NUL, or characters that no file's name has
        return None


async def _finish(sending: Coroutine[Any, Any, None], done: Future[None]) -> None:
    try:
        await sending
    finally:
        if not done.done():
            done.set_result(None)


def bind_indexes(server: Server) -> None:
    """Redirect the folders' routes without a slash to those with one, unless the app has a route there."""
    for route in list(server.routes):
        files = route.own
        if not isinstance(files, StaticFiles) or not files.prefix or route.pattern == files.prefix:
            continue
        keys = {route_key(f"{method} {files.prefix}") for method in (route.method, "ANY")}
        if not keys & server.route_names.keys():
            index = TwinRoute(route, route.method, files.prefix)
            server.route_names[route_key(index.name)] = index.name
            server.routes.append(index)
            index.bind()


def folder_of(who: str, path: str, directory: Any) -> str:
    """Check the folder of `app.static`.

    Raises:
        RouteError: there is none.
    """
    try:
        name = os.fsdecode(directory)
        is_folder = bool(name) and pathlib.Path(name).is_dir()
    except (TypeError, ValueError, OSError):
        name, is_folder = repr(directory), False
    if not is_folder:
        raise errors.RouteError(
            who,
            f"serves files at {path}",
            f"there is no folder {name}",
            "Make the folder first, and write its path from the root or from the working directory",
        )
    return name
