"""Computed properties: a function makes the value from the object on first access, and the object keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from contextvars import ContextVar
from threading import get_ident
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from .. import errors

if TYPE_CHECKING:
    from .spec import ComputedSpec

# Whose function runs; what it starts inherits it, and may wait for a computation in its place.
_running: Final[ContextVar[Computation | None]] = ContextVar("computation", default=None)


class ComputedProperty:
    """Compute a property's value for each object on first access and set it as the object's own attribute.

    A function that raises leaves no value behind: the next access calls it again.
    """

    def __init__(self, member: ComputedSpec) -> None:
        self._member = member
        self._name = member.name
        self._function = member.function
        self._computing: set[tuple[int, int]] = set()  # the objects whose value is made now, each in its thread

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        key = (id(instance), get_ident())
        if key in self._computing:
            raise _cycle(self._member)
        self._computing.add(key)
        try:
            value = self._function(instance)
        finally:
            self._computing.discard(key)
        if type(value) is CoroutineType:
            value.close()
            raise _error(
                self._member,
                "was computed to a coroutine",
                "it can be awaited once, and the object would keep it",
                f"Write async def {self._name}(self), without a decorator that hides it",
            )
        setattr(instance, self._name, value)
        return value


class AsyncComputedProperty:
    """Set a `Computation` of a property's value as an object's own attribute on first access."""

    def __init__(self, member: ComputedSpec) -> None:
        self._member = member

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = Computation(self._member, instance)
        setattr(instance, self._member.name, value)
        return value


class Computation(Awaitable[Any]):
    """The value of an async computed property: awaitable any number of times, by any number of tasks at once.

    The function begins with the first `await`, in a task of its own, and runs once. If it raises, everybody who awaits gets
    the error, and the next access of the property computes it anew. If all who wait are cancelled, so is the function,
    which the next `await` begins again.
    """

    __slots__ = ("_awaiters", "_member", "_owner", "_task", "waits_for")

    def __init__(self, member: ComputedSpec, owner: Any) -> None:
        self._member = member
        self._owner = owner  # until the value is there
        self._task: asyncio.Task[Any] | None = None
        self._awaiters = 0
        self.waits_for: list[Computation] = []  # which its function awaits

    def __await__(self) -> Generator[Any, Any, Any]:
        task = self._task
        if task is None:
            task = self._begin()
        if not task.done():
            yield from self._wait(task)
        return task.result()

    def __repr__(self) -> str:
        task = self._task
        state = "not awaited yet" if task is None else "computed" if task.done() else "being computed"
        return f"<{_path(self._member)}, {state}>"

    def __bool__(self) -> bool:
        # True would let everybody pass where `if request.is_admin` lacks its await.
        raise _error(self._member, "is used as a condition", "it is not awaited", self._fix)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self!r} has no attribute {name!r}: await it first")

    @property
    def _fix(self) -> str:
        return f"Write await {_path(self._member)}"

    def _begin(self) -> asyncio.Task[Any]:
        # Not by the loop's factory: the core's own, and an eager one, would enter the function before it is known to run.
        self._task = task = asyncio.Task(self._compute(), loop=asyncio.get_running_loop())
        task.add_done_callback(self._end)
        return task

    async def _compute(self) -> Any:
        _running.set(self)
        return await self._member.function(self._owner)

    def _end(self, task: asyncio.Task[Any]) -> None:
        if task is not self._task:  # nobody waits for it any more
            return
        owner, self._owner = self._owner, None
        if (task.cancelled() or task.exception() is not None) and vars(owner).get(self._member.name) is self:
            delattr(owner, self._member.name)

    def _wait(self, task: asyncio.Task[Any]) -> Generator[Any, Any, None]:
        if task.get_loop() is not asyncio.get_running_loop():
            raise errors.ThreadError(
                _path(self._member),
                "can't be awaited here",
                "it is computed in another event loop",
                "Await it where the request is served",
            )
        waiting = _running.get()
        if waiting is not None:
            if self._leads_to(waiting):
                raise _cycle(self._member)
            waiting.waits_for.append(self)
        self._awaiters += 1
        try:
            yield from asyncio.wait({task}).__await__()
        finally:
            self._awaiters -= 1
            if waiting is not None:
                waiting.waits_for.remove(self)
            if not self._awaiters and not task.done():
                self._task = None
                task.cancel()

    def _leads_to(self, other: Computation) -> bool:
        """Check whether this one waits for another one, however far away."""
        found, seen = [self], set()
        while found:
            each = found.pop()
            if each is other:
                return True
            if id(each) not in seen:
                seen.add(id(each))
                found.extend(each.waits_for)
        return False


def computed_attribute(member: ComputedSpec) -> ComputedProperty | AsyncComputedProperty:
    """Return the class attribute of a computed property."""
    return AsyncComputedProperty(member) if member.is_async else ComputedProperty(member)


def _path(member: ComputedSpec) -> str:
    return f"{member.target}.{member.name}"


def _cycle(member: ComputedSpec) -> errors.ComputationError:
    return _error(
        member,
        "can't be computed",
        "its function needs the value that it makes, itself or by another member",
        "Compute it from something else",
    )


def _error(member: ComputedSpec, what: str, why: str, fix: str) -> errors.ComputationError:
    return errors.ComputationError(f"{_path(member)} of extension {member.provenance}", what, why, fix)
