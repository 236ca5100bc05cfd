"""The form in a request's body: it is read once, and its files are closed with the request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final

from .. import errors
from ..errors import HTTPError
from ..sdk.body import check_content_type, read_body
from .forms.form import Form
from .forms.limits import FormLimits
from .forms.multipart import find_boundary, load_parser, read_multipart
from .forms.urlencoded import read_urlencoded
from .request_body import BodyRefusedError, max_body

log = logging.getLogger("socketify_ext")

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_CHUNK: Final = 256 * 1024  # bytes of a body that is in memory already, parsed at once


class FormReading:
    """The one reading of a body as a form."""

    __slots__ = ("_is_begun", "_outcome")

    def __init__(self) -> None:
        self._is_begun = False
        self._outcome: Form | HTTPError | None = None

    async def read(self, response: Any, limits: FormLimits) -> Form:
        """Read the form, or return or raise what the reading has come to.

        Raises:
            HTTPError: the form can't be read.
            BodyError: another call reads it.
        """
        if not self._is_begun:
            self._is_begun = True
            try:
                self._outcome = await _read(response, limits)
            except HTTPError as error:
                self._outcome = error
        if self._outcome is None:
            raise errors.BodyError(
                "get_form", "was refused", "another call reads this form", "Await one call before the next"
            )
        if isinstance(self._outcome, HTTPError):
            raise self._outcome.with_traceback(None)
        return self._outcome

    def close(self) -> None:
        """Close the files of the form."""
        if isinstance(self._outcome, Form):
            self._outcome.close()


async def read_form(response: Any, model: Any, limits: FormLimits) -> Any:
    """Read a body as a form, once or again, and return it as a model if one is given.

    Raises:
        HTTPError: 415, 413, 400, 422 or 503.
        TypeError, ValueError: a limit is not a number.
    """
    limits.checked()
    if response._form is None:
        response._form = FormReading()
    form = await response._form.read(response, limits)
    if model is None:
        return form
    from ..sdk.model import fit_texts

    return fit_texts(model, form.values_by_name, form.size)


async def read_last_fields(response: Any, encoding: str) -> dict[str, str] | None:
    """Read a body as an urlencoded form, as the core's `get_form_urlencoded`: the last value of each name."""
    return dict(read_urlencoded(await read_body(response), encoding=encoding)) or None


async def _read(response: Any, limits: FormLimits) -> Form:
    request = response.request
    kind = check_content_type(request, _accepted(request))
    if kind == MULTIPART:
        return await _read_multipart(response, find_boundary(request.get_header("content-type")), limits)
    data = await read_body(response, min(limits.max_fields_size, max_body(response)))
    return Form(read_urlencoded(data, limits.max_fields), len(data))


def _accepted(request: Any) -> tuple[str, ...]:
    """Return the types of forms that can be read; without the extra a client's mistake must not become an error of ours."""
    if not (request.get_header("content-type") or "").lower().startswith(MULTIPART):
        return URLENCODED, MULTIPART
    try:
        load_parser()
    except errors.MissingExtraError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says all
        return (URLENCODED,)
    return URLENCODED, MULTIPART


async def _read_multipart(response: Any, boundary: bytes, limits: FormLimits) -> Form:
    memory = _Memory(getattr(response, "_server", None))
    try:
        return await read_multipart(_chunks(response), boundary, limits, memory.reserve, memory.release)
    except BodyRefusedError:
        raise
    except HTTPError as error:
        if getattr(response, "_body_ended", True):
            raise
        raise BodyRefusedError(error.status, error.detail) from None  # the rest of it is not waited for


def _chunks(response: Any) -> AsyncIterable[bytes]:
    """Return the body in parts; one that is in memory already, or that of a stock app, is read whole."""
    if not hasattr(response, "body") or response._dataFuture is not None:
        return _cut(response)
    parts: AsyncIterable[bytes] = response.body()
    return parts


async def _cut(response: Any) -> AsyncIterator[bytes]:
    data = await read_body(response)
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]


class _Memory:
    """What a form holds in memory, counted with the bodies that the server holds."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._held = 0

    def reserve(self, size: int) -> bool:
        """Count so many bytes more, or fewer, if there is room for them."""
        server = self._server
        if server is not None:
            if size > 0 and server.held_bytes + size > server.max_held_bodies:
                return False
            server.held_bytes += size
            self._held += size
        return True

    def release(self) -> None:
        """Count what was held no more."""
        if self._server is not None:
            self._server.held_bytes -= self._held
            self._held = 0
