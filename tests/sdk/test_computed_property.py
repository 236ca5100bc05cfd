from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import functools
import gc
import inspect
import threading
import warnings

import pytest

from socketify_ext.errors import ComputationError, ThreadError
from socketify_ext.sdk.compilation import compile_attributes, compile_classes
from socketify_ext.sdk.declaration import as_extension
from socketify_ext.sdk.resolution import resolve


class Base:
    """Stands for a request."""

    def name(self):
        return "Ann"


def compiled(function):
    bases = dict.fromkeys(("request", "response", "ws"), Base)
    return compile_classes(compile_attributes(resolve([as_extension(function).declare().spec])), bases)["request"]


def request_with(*functions, **options):
    def extension(request, response, ws):
        for function in functions:
            request.property(**options)(function)

    return compiled(extension)()


class Calls:
    """An async function that counts its calls and ends when it is told."""

    def __init__(self):
        self.count = 0
        self.ended = 0
        self.begun = None
        self.gate = None
        self.error = None

    def hold(self):
        self.begun, self.gate = asyncio.Event(), asyncio.Event()

    async def user(self, request):
        self.count += 1
        if self.gate is not None:
            self.begun.set()
            await self.gate.wait()
        self.ended += 1
        if self.error is not None:
            raise self.error
        return [request.name(), self.count]

    def property(self):
        async def user(request):
            return await self.user(request)

        return user


@pytest.fixture
def calls():
    return Calls()


# -- sync


def test_a_value_is_computed_on_first_access_and_kept_for_the_object():
    made = []

    def user(self):
        made.append(self)
        return [self.name()]

    kind = type(request_with(user))
    first, second = kind(), kind()
    assert made == []
    assert first.user is first.user
    assert first.user == ["Ann"]
    assert second.user is not first.user
    assert made == [first, second]
    assert vars(first) == {"user": first.user}


def test_none_is_a_value_too():
    made = []
    request = request_with(lambda self: made.append(1), name="user")
    assert (request.user, request.user) == (None, None)
    assert made == [1]


def test_a_value_may_be_set_and_deleted():
    request = request_with(lambda self: "computed", name="user")
    request.user = "set"
    assert request.user == "set"
    del request.user
    assert request.user == "computed"


def test_an_error_is_raised_and_the_next_access_computes_again():
    errors = [ValueError("first"), ValueError("second")]

    def user(self):
        if errors:
            raise errors.pop(0)
        return "Ann"

    request = request_with(user)
    for text in ("first", "second"):
        with pytest.raises(ValueError, match=text):
            _ = request.user
        assert vars(request) == {}
    assert request.user == "Ann"


def test_a_value_that_needs_itself_is_an_error():
    def user(self):
        return self.user

    request = request_with(user)
    for _ in range(2):
        with pytest.raises(ComputationError, match=r"\[EXT517\] request\.user of extension 'extension' \(test_comp"):
            _ = request.user
    assert vars(request) == {}


def test_two_values_that_need_each_other_are_an_error():
    def user(self):
        return self.account

    def account(self):
        return self.user

    request = request_with(user, account)
    with pytest.raises(ComputationError, match=r"request\.account .*can't be computed"):
        _ = request.account
    with pytest.raises(ComputationError, match=r"request\.user .*can't be computed"):
        _ = request.user


def test_a_value_may_need_the_same_property_of_another_object():
    def depth(self):
        return 1 + (self.parent.depth if hasattr(self, "parent") else 0)

    child = request_with(depth)
    child.parent = type(child)()
    assert (child.depth, child.parent.depth) == (2, 1)


def test_two_threads_may_compute_it_at_once():
    barrier = threading.Barrier(2, timeout=30)

    def user(self):
        barrier.wait()
        return "Ann"

    request = request_with(user)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(request.user)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["Ann", "Ann"]


def test_a_coroutine_that_a_decorator_hides_is_an_error(calls):
    @functools.wraps(calls.property())
    def hidden(self):
        return calls.user(self)

    request = request_with(hidden)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ComputationError, match=r"computed to a coroutine.*async def user\(self\)"):
            _ = request.user
        gc.collect()
    assert calls.count == 0


def test_a_builtin_and_a_lambda_compute_with_a_name():
    assert request_with(id, name="number").number > 0
    assert request_with(lambda self: self.name().upper(), name="loud").loud == "ANN"


def test_the_class_shows_no_value():
    kind = type(request_with(lambda self: "Ann", name="user"))
    assert kind.user != "Ann"
    assert not inspect.isawaitable(type(request_with(Calls().property())).user)


# -- async


def test_an_awaitable_is_the_same_each_time_and_runs_the_function_once(calls):
    request = request_with(calls.property())

    async def read():
        assert request.user is request.user
        assert isinstance(request.user, collections.abc.Awaitable)
        assert calls.count == 0
        return [await request.user, await request.user, await asyncio.gather(request.user, request.user)]

    one = ["Ann", 1]
    first, *others = asyncio.run(read())
    assert (first, others) == (one, [one, [one, one]])
    assert others[1][0] is first


def test_the_result_stays_readable_for_the_object_alone(calls):
    kind = type(request_with(calls.property()))

    async def read():
        first, second = kind(), kind()
        return [await each.user for each in (first, second, first)]

    assert asyncio.run(read()) == [["Ann", 1], ["Ann", 2], ["Ann", 1]]


def test_many_wait_for_one_run(calls):
    request = request_with(calls.property())

    async def read():
        calls.hold()
        waiting = [asyncio.ensure_future(request.user) for _ in range(50)]
        await calls.begun.wait()
        assert repr(request.user) == "<request.user, being computed>"  # the awaitable itself
        calls.gate.set()
        return await asyncio.gather(*waiting, request.user)

    assert asyncio.run(read()) == [["Ann", 1]] * 51


def test_an_error_reaches_all_who_wait_and_the_next_access_tries_again(calls):
    request = request_with(calls.property())

    async def read():
        calls.error = LookupError("gone")
        calls.hold()
        failing = request.user
        waiting = [asyncio.ensure_future(failing) for _ in range(5)]
        await calls.begun.wait()
        calls.gate.set()
        assert await asyncio.gather(*waiting, return_exceptions=True) == [calls.error] * 5
        assert vars(request) == {}
        with pytest.raises(LookupError, match="gone"):
            await failing
        assert calls.count == 1
        calls.error = None
        assert await request.user == ["Ann", 2]
        with pytest.raises(LookupError, match="gone"):
            await failing
        return await request.user

    assert asyncio.run(read()) == ["Ann", 2]


def test_an_error_leaves_a_value_alone_that_was_set_meanwhile(calls):
    request = request_with(calls.property())

    async def read():
        calls.error = LookupError("gone")
        failing = request.user
        request.user = "set"
        with pytest.raises(LookupError):
            await failing
        return request.user

    assert asyncio.run(read()) == "set"


def test_the_cancellation_of_one_who_waits_is_not_that_of_the_others(calls):
    request = request_with(calls.property())

    async def read():
        calls.hold()
        first, second = (asyncio.ensure_future(request.user) for _ in range(2))
        await calls.begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        calls.gate.set()
        return await second

    assert asyncio.run(read()) == ["Ann", 1]
    assert calls.ended == 1


def test_the_function_is_cancelled_with_the_last_who_waits_and_begins_anew(calls):
    request = request_with(calls.property())

    async def read():
        calls.hold()
        awaitable = request.user
        for _ in range(2):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(awaitable, 0.001)
        calls.gate.set()
        assert request.user is awaitable
        result = await awaitable
        assert len(asyncio.all_tasks()) == 1
        return result

    assert asyncio.run(read()) == ["Ann", calls.count]
    assert calls.count in (1, 2, 3)  # a wait of no time may end before its function begins
    assert calls.ended == 1


def test_nothing_runs_and_nothing_warns_where_nobody_awaits(calls):
    async def read():
        request = request_with(calls.property())
        assert repr(request.user) == "<request.user, not awaited yet>"
        assert len(asyncio.all_tasks()) == 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(read())
        gc.collect()
    assert calls.count == 0


def test_it_can_be_read_without_a_loop(calls):
    assert inspect.isawaitable(request_with(calls.property()).user)
    assert calls.count == 0


def test_a_computed_object_is_freed_without_the_collector(calls):
    request = request_with(calls.property())
    asyncio.run(asyncio.wait_for(request.user, 30))
    gc.collect()
    gc.disable()
    try:
        before = len([each for each in gc.get_objects() if type(each) is type(request)])
        del request
        assert before == 1
        assert not [each for each in gc.get_objects() if isinstance(each, Base)]
    finally:
        gc.enable()


@pytest.mark.parametrize("spread", [lambda awaitable: awaitable, asyncio.gather, asyncio.ensure_future])
def test_an_async_value_that_needs_itself_is_an_error_and_no_deadlock(spread):
    async def user(self):
        await asyncio.sleep(0)
        return await spread(self.user)

    async def read():
        request = request_with(user)
        with pytest.raises(ComputationError, match=r"request\.user .*can't be computed"):
            await request.user
        assert vars(request) == {}

    asyncio.run(asyncio.wait_for(read(), 30))


@pytest.mark.parametrize("factory", [None, getattr(asyncio, "eager_task_factory", None)])
def test_the_task_factory_of_the_loop_changes_nothing(factory):
    async def user(self):
        return await self.user

    async def read():
        asyncio.get_running_loop().set_task_factory(factory)
        request = request_with(user)
        with pytest.raises(ComputationError):
            await asyncio.gather(request.user, request.user)

    asyncio.run(asyncio.wait_for(read(), 30))


def test_async_values_that_need_each_other_are_an_error_whoever_has_begun_them():
    async def a(self):
        await asyncio.sleep(0)
        return await self.b

    async def b(self):
        await asyncio.sleep(0)
        return await self.c

    async def c(self):
        await asyncio.sleep(0)
        return await self.a

    async def read(*names):
        request = request_with(a, b, c)
        found = await asyncio.gather(*(getattr(request, name) for name in names), return_exceptions=True)
        assert {type(each) for each in found} == {ComputationError}

    for names in ("a", "abc", "cba", "bb"):
        asyncio.run(asyncio.wait_for(read(*names), 30))


def test_async_values_may_need_one_that_others_need_too():
    async def root(self):
        await asyncio.sleep(0)
        return 1

    async def left(self):
        return 1 + await self.root

    async def right(self):
        return 1 + await self.root

    async def top(self):
        return sum(await asyncio.gather(self.left, self.right, self.root))

    request = request_with(root, left, right, top)

    async def read():
        return await asyncio.gather(request.top, request.right, request.root)

    assert asyncio.run(read()) == [5, 2, 1]


def test_a_function_has_the_context_of_who_awaits_first_and_changes_a_copy():
    variable = contextvars.ContextVar("variable", default="none")

    async def user(self):
        seen = variable.get()
        variable.set("of the function")
        return seen

    request = request_with(user)

    async def read():
        variable.set("of the handler")
        return await request.user, variable.get()

    assert asyncio.run(read()) == ("of the handler", "of the handler")


def test_an_awaitable_is_no_condition_and_has_no_attributes_of_its_value(calls):
    request = request_with(calls.property())
    with pytest.raises(ComputationError, match=r"request\.user .*used as a condition.*Write await request\.user"):
        assert not request.user
    with pytest.raises(AttributeError, match="has no attribute 'name': await it first"):
        _ = request.user.name
    assert not hasattr(request.user, "name")


def test_it_is_awaited_in_the_loop_that_computes_it(calls):
    request = request_with(calls.property())

    async def read():
        calls.hold()
        waiting = asyncio.ensure_future(request.user)
        await calls.begun.wait()
        with pytest.raises(ThreadError, match=r"request\.user can't be awaited here"):
            await asyncio.to_thread(asyncio.run, wait(request))
        calls.gate.set()
        return await waiting

    async def wait(request):
        return await request.user

    assert asyncio.run(read()) == ["Ann", 1]


def test_a_function_that_is_cancelled_from_elsewhere_leaves_no_value():
    async def user(self):
        raise asyncio.CancelledError

    request = request_with(user)

    async def read():
        with pytest.raises(asyncio.CancelledError):
            await request.user
        assert vars(request) == {}

    asyncio.run(read())
