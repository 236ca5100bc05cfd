"""The response that runs hooks just before its head goes: each answer comes through here, and may wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from .encoding import exact_bytes
from .hook_calls import Applied, call, wait_for
from .lingering import close_behind_answer
from .observed import Observed
from .preserved import Preserved
from .response_head import CONTENT_TYPE, has_content_type, is_bodiless
from .thread import get_ident
from .variables import run_for

if TYPE_CHECKING:
    from ..sdk.request_hooks import RequestHook
    from .response import Response
else:
    Response = object

_UPGRADED: Final = b"101 Switching Protocols"
# In a hook, and in what it calls and starts: the response that the hook is about. To them it is not answered yet.
_sending: Final[ContextVar[Any]] = ContextVar("socketify_ext_sending", default=None)


class BeforeSend(Preserved, Observed, Response):
    """A mixin whose response runs its hooks once, before the head goes.

    A hook that is async delays the answer: the calls that give it are queued, in order, and to their caller it is given.
    """

    # Each answer takes the way through `_answer`.
    _body_only = False
    _single_write = False
    # Of the class of a route.
    _before_send: Applied
    # Ours.
    _begun = False  # the hooks have begun
    _decided = False  # all of the answer is given, and waits for the hooks
    _queue: list[tuple[Callable[..., Any], tuple[Any, ...]]] | None = None  # calls that wait for the hooks
    _waiting: asyncio.Future[None] | None = None  # is done when the hooks are
    _content: bytes | None = None  # all of the body, while the hooks run
    _in_parts = False  # a body comes whose length nobody knows
    _filters: tuple[Any, ...] = ()
    _blocked = False  # try_end was told to come again
    _lingers = False  # the connection closes behind the answer

    def _is_answered(self) -> bool:
        return self._over or (self._decided and _sending.get() is not self)

    _answered = property(_is_answered, Observed._answered.fset)  # type: ignore[attr-defined]

    # -- what hooks use

    @property
    def content(self) -> bytes | None:
        """Get or set the body of a whole answer that is about to go."""
        return self._content

    @content.setter
    def content(self, value: Any) -> None:
        data = exact_bytes(value)
        if data is None:
            raise TypeError(f"the content of an answer is text or bytes, not a {type(value).__name__}")
        if self._content is None or _sending.get() is not self:
            why = "the answer has no body, or its body comes in parts" if self._begun else "no hook runs"
            fix = "Set it in a before_send hook, where it is not None; see res.filter_body for parts"
            raise errors.BodyError("res.content", "can't be set", why, fix)
        self._content, self._length = data, None

    def filter_body(self, body_filter: Any) -> bool:
        """Change the body with `feed(data)` for each part and `finish()` at its end, which return bytes."""
        if not (callable(getattr(body_filter, "feed", None)) and callable(getattr(body_filter, "finish", None))):
            raise TypeError(f"a filter has the methods feed and finish, which a {type(body_filter).__name__} has not")
        if _sending.get() is not self or self._head_sent or self._over:
            raise errors.BodyError("res.filter_body", "was refused", "no hook runs", "Call it in a before_send hook")
        if (self._content is None and not self._in_parts) or is_bodiless(self._status):
            return False
        self._length = None
        self._filters = (*self._filters, body_filter)
        return True

    # -- the hooks

    def _check_outside(self, what: str) -> None:
        """Refuse an answer that a hook gives.

        Raises:
            BodyError: a hook calls.
        """
        if _sending.get() is self:
            fix = "Change the status, the headers or res.content; answer in a before_request or on_error hook"
            raise errors.BodyError(f"res.{what}", "was refused", "a before_send hook runs for an answer", fix)

    def _pass(self, give: Callable[..., Any], arguments: tuple[Any, ...], *, decides: bool, **begin: Any) -> bool:
        """Run the hooks, unless they have run.

        Returns:
            Whether the answer goes on now; else its call is queued, or a hook has closed the connection.
        """
        if not self._begun:
            self._decided = decides
            self._begin(**begin)
        if self._queue is None:
            self._decided = False
            return not self._over
        self._decided = self._decided or decides
        self._queue.append((give, arguments))
        return False

    def _begin(self, content: bytes | None = None, *, in_parts: bool = False) -> None:
        self._begun, self._content, self._in_parts = True, content, in_parts
        run_for(self, self._run_hooks, self._before_send.of_request(self, self._request))

    def _run_hooks(self, hooks: Sequence[RequestHook]) -> None:
        server, request = self._server, self._request
        for number, hook in enumerate(hooks, 1):
            token = _sending.set(self)
            result = None
            try:
                result = call(hook, self, request)
            except BaseException as error:
                server.fail_hook(error, self)
            finally:
                _sending.reset(token)
            if result is not None and isawaitable(result):
                self._queue = []
                if request.req is not None and not self._route:
                    self._route = server.entered.name
                self._wait()
                self._start(hook, result, hooks[number:])
                return
            if self._over:
                return

    def _start(self, hook: RequestHook, result: Any, others: Sequence[RequestHook]) -> None:
        variables = copy_context()
        variables.run(_sending.set, self)
        self._hooks_wait += 1
        self._tasks += 1  # where the hook does not suspend, the answer comes behind it
        try:
            self._server.start(self._go_on(hook, result, others), self, self._request, self._route, variables)
        finally:
            self._tasks -= 1

    async def _go_on(self, hook: RequestHook, result: Any, others: Sequence[RequestHook]) -> None:
        """Run the hooks from the first one that is async, then let the answer go on."""
        await self._finish_hook(hook, result)
        for other in others:
            if self._over:
                break
            result = None
            try:
                result = call(other, self, self._request)
            except BaseException as error:
                self._server.fail_hook(error, self)
            if result is not None and isawaitable(result):
                await self._finish_hook(other, result)
        _sending.set(None)
        self._send_queued()

    async def _finish_hook(self, hook: RequestHook, result: Any) -> None:
        try:
            await wait_for(hook, result)
        except GeneratorExit:  # the program ends
            raise
        except BaseException as error:
            self._server.fail_hook(error, self)

    def _send_queued(self) -> None:
        """Give the answer that has waited."""
        queue, self._queue = self._queue or [], None
        self._decided = False
        try:
            for give, arguments in queue:
                if self._over:
                    break
                give(*arguments)
        except BaseException as error:
            self._server.fail(error, self, self._request, self._route)
        self._wake()
        if self._blocked and not self._over:
            self._server.loop.call_soon(self._call_writable, context=self._variables)
        self._end_hooks()

    def _call_writable(self) -> None:
        """Call who was told to come again when the client takes more."""
        if self._blocked and not self._over and self._writable_handler is not None:
            self._server.call(self, self._writable_handler, self, 0)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _hooks_done(self) -> None:
        """Wait until the hooks have ended, or the client has left."""
        if self._queue is None or self._over:
            return
        if self._waiting is None:
            self._waiting = self._server.loop.create_future()
        await asyncio.wait((self._waiting,))

    def _finish(self) -> None:
        if self._lingers and not (self._over or self.aborted):
            close_behind_answer(self)
        super()._finish()
        if self._queue:
            self._queue.clear()
        self._wake()

    # -- the answer

    def _answer(self, what: str, data: bytes, content_type: bytes | None, end_connection: bool) -> Any:
        self._check_outside(what)
        if get_ident() != self._thread:
            return self._hand_over(self._answer, what, data, content_type, end_connection)
        if self._answered:
            return self._refuse(what)
        if self._fixed_length is not None:
            return self._refuse_mixed(what)
        content = None
        if not self._begun and not is_bodiless(self._status):
            content = data
            if content_type is not None and not has_content_type(self._head):
                self._head += b"\r\n" + CONTENT_TYPE + b": " + content_type
        arguments = (what, data, None, end_connection)
        if not self._pass(self._answer, arguments, decides=True, content=content):
            return self
        if self._content is not None:
            data, self._content = self._content, None
            if self._filters:
                try:
                    data = self._filtered_whole(data)
                except BaseException as error:
                    # The head says of the body what only the filter would have made true.
                    self._server.fail_hook(error, self)
                    self._drop()
                    return self
        else:
            data = self._filtered(data, is_last=True)
        return super()._answer(what, data, None, end_connection)

    def _filtered_whole(self, data: bytes) -> bytes:
        """Return a whole body as the filters change it, once all hooks have seen and set it as it is.

        After HEAD too: the head has its length.
        """
        if is_bodiless(self._status):
            return data
        for each in self._filters:
            data = _fed(each.feed(data)) + _fed(each.finish())
        return data

    def _filtered(self, data: bytes, *, is_last: bool = False) -> bytes:
        """Return a part of the body as the filters change it."""
        if self._is_bodiless():
            return data
        for each in self._filters:
            data = _fed(each.feed(data)) if data else b""
            if is_last:
                data += _fed(each.finish())
        return data

    def end_without_body(self, end_connection: bool = False) -> Any:
        """Answer with the head alone."""
        self._check_outside("end_without_body")
        end_connection = bool(end_connection)
        if get_ident() != self._thread:
            return self._hand_over(self.end_without_body, end_connection)
        if self._answered:
            return self._refuse("end_without_body")
        if not self._pass(self.end_without_body, (end_connection,), decides=True, in_parts=self._bodiless):
            return self
        return super().end_without_body(end_connection)

    def _write(self, data: bytes) -> Any:
        self._check_outside("write")
        if get_ident() != self._thread:
            return self._hand_over(self._write, data)
        if self._answered:
            return self._refuse("write")
        if self._fixed_length is not None:
            return self._refuse_mixed("write")
        if not self._pass(self._write, (data,), decides=False, in_parts=True):
            return self
        return super()._write(self._filtered(data) if self._filters else data)

    async def drain(self) -> None:
        """Wait for the hooks, and until the client has taken most of what was written."""
        self._check_outside("drain")
        await self._hooks_done()
        await super().drain()

    async def _send_head(self) -> None:
        if not self._begun:
            self._begin(in_parts=True)
        await self._hooks_done()
        if self._over:
            return
        if self._is_bodiless():
            self.end_without_body()
        else:
            self._begin_body()

    def _write_corked(self, data: bytes) -> None:
        if self._queue:  # the hooks run, and the client gets what waits
            return
        if not self._pass(self._write_corked, (data,), decides=False, in_parts=True):
            return
        if self._is_bodiless():
            self.end_without_body()
            return
        self._begin_body()
        data = self._filtered(data)
        if data:
            super()._write_corked(data)

    def try_end(self, message: str | bytes, total_size: int, end_connection: bool = False) -> tuple[bool, bool]:
        """Write a part of a body of known size; while hooks run it is not taken, and the client's turn comes later."""
        data, total, last = self._sized(message, total_size, end_connection)
        result = self._try_end(data, total, last)
        if self._blocked and self._queue is not None and len(data) == total and not self._answered:
            # All at once: who gives it may not look at the result.
            self._blocked, self._fixed_length, self._decided = False, None, True
            self._queue.append((self._answer, ("try_end", data, None, last)))
            return True, True
        return result

    def _try_end(self, data: bytes, total: int, last: bool) -> tuple[bool, bool]:
        self._check_outside("try_end")
        if self._answered or (self._begun and self._queue is None):
            self._blocked = False
            return super()._try_end(data, total, last)
        self._check_part(len(data), total)
        if self._is_bodiless():
            if self._pass(self._end_sized, (total, last), decides=True):
                return self._end_sized(total, last)
            return True, True
        if not self._begun:
            self._native("try_end")
            self._fixed_length = total
            self._begin()
        elif self._fixed_length is None:
            raise self._body_error("try_end", "write has begun a body whose size is not announced")
        if self._queue is None:
            return super()._try_end(data, total, last)
        self._blocked = True
        return False, False

    def _end_sized(self, total: int, last: bool) -> tuple[bool, bool]:
        """Answer with the head of a body of known size."""
        if not self._is_bodiless():  # a hook has set another status, and the body has not come
            self._drop()
            return False, True
        return super()._try_end(b"", total, last)

    def on_writable(self, handler: Callable[[Any, int], bool]) -> Any:
        """Call `handler(response, offset)` when more can be written, after the hooks."""
        super().on_writable(handler)
        if self._blocked and self._queue is None:
            self._server.loop.call_soon(self._call_writable, context=self._variables)
        return self

    def _upgrade(self, *arguments: Any) -> bool:
        if not self._begun:
            self._status = _UPGRADED
        if self._pass(self._upgrade, arguments, decides=True):
            return bool(super()._upgrade(*arguments))
        return not self._over

    def _fail(self, *arguments: Any) -> None:
        if self._over or self._decided or _sending.get() is self:
            return
        if self._queue is not None:  # parts wait: for the client the head has gone
            self.close()
            return
        if self._begun and not self._head_sent:  # the answer that the hooks ran for has failed
            self._begun, self._fixed_length, self._filters, self._content = False, None, (), None
        super()._fail(*arguments)

    def _linger(self) -> None:
        self._lingers = True


def _fed(data: Any) -> bytes:
    """Return what a filter has made.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    encoded = exact_bytes(data)
    if encoded is None:
        raise TypeError(f"a filter returns bytes, not a {type(data).__name__}")
    return encoded


def _outside_hooks(name: str) -> Callable[..., Any]:
    def method(self: BeforeSend, *arguments: Any, **options: Any) -> Any:
        self._check_outside(name)
        return getattr(super(BeforeSend, self), name)(*arguments, **options)

    method.__name__ = name
    method.__doc__ = f"Answer as `{name}` does, outside of a before_send hook."
    return method


# What touches the head, or the connection, before it comes to `_answer` and its like.
for _name in ("send", "redirect", "render", "send_file", "stream", "events", "upgrade", "write_continue"):
    setattr(BeforeSend, _name, _outside_hooks(_name))
