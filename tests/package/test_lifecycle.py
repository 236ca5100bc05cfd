from __future__ import annotations

import asyncio
import contextlib
import logging
import time

import httpx2
import pytest
import socketify
import virtual_clock

import socketify_ext
from socketify_ext.errors import InstallError, LifecycleError, SignatureError
from socketify_ext.lifecycle import Lifecycle, LifecycleEntry
from socketify_ext.testing import serve


@pytest.fixture
def seen():
    return []


def entry(seen, name, *, asynchronous=False, failing=""):
    def step(what):
        def call():
            seen.append(f"{name} {what}")
            if failing == what:
                raise RuntimeError(f"{name} can't {what}")

        async def call_async():
            await asyncio.sleep(0)
            call()

        return call_async if asynchronous else call

    return LifecycleEntry(f"extension {name!r}", [step("start")], [step("stop")])


async def cycle(lifecycle, *entries):
    await lifecycle.start(entries)
    await lifecycle.stop()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_entries_start_in_order_and_stop_in_reverse(seen, asynchronous):
    lifecycle = Lifecycle(5)
    entries = [entry(seen, name, asynchronous=asynchronous) for name in "abc"]
    asyncio.run(cycle(lifecycle, *entries))
    assert seen == ["a start", "b start", "c start", "c stop", "b stop", "a stop"]


def test_the_functions_of_one_entry_stop_in_reverse_too(seen):
    steps = [lambda number=number: seen.append(number) for number in (1, 2)]
    asyncio.run(cycle(Lifecycle(5), LifecycleEntry("the app", steps, steps)))
    assert seen == [1, 2, 2, 1]


def test_the_state_tells_how_far_it_is(seen):
    async def run():
        lifecycle = Lifecycle(5)
        states = [lifecycle.state]
        await lifecycle.start([LifecycleEntry("the app", [], [lambda: states.append(lifecycle.state)])])
        states.append(lifecycle.state)
        await lifecycle.stop()
        return [*states, lifecycle.state]

    assert asyncio.run(run()) == ["new", "started", "stopping", "stopped"]


def test_stopping_again_does_nothing(seen):
    async def run():
        lifecycle = Lifecycle(5)
        await cycle(lifecycle, entry(seen, "a"))
        await lifecycle.stop()

    asyncio.run(run())
    assert seen == ["a start", "a stop"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_failed_start_stops_what_had_started_and_names_who_failed(seen, asynchronous):
    entries = [entry(seen, "a"), entry(seen, "b", asynchronous=asynchronous, failing="start"), entry(seen, "c")]
    lifecycle = Lifecycle(5)
    with pytest.raises(LifecycleError, match=r"extension 'b' failed to start in .*: RuntimeError: b can't") as caught:
        asyncio.run(lifecycle.start(entries))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert seen == ["a start", "b start", "a stop"]


def test_a_failed_start_can_be_tried_again(seen):
    failures = [RuntimeError("not yet")]

    def start():
        if failures:
            raise failures.pop()

    async def run():
        lifecycle = Lifecycle(5)
        entries = [entry(seen, "a"), LifecycleEntry("b", [start], [])]
        with pytest.raises(LifecycleError):
            await lifecycle.start(entries)
        assert lifecycle.state == "new"
        await lifecycle.start(entries)
        assert lifecycle.state == "started"
        await lifecycle.stop()

    asyncio.run(run())
    assert seen == ["a start", "a stop", "a start", "a stop"]


def test_an_interrupted_start_stops_what_had_started(seen):
    def interrupt():
        raise asyncio.CancelledError

    lifecycle = Lifecycle(5)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(lifecycle.start([entry(seen, "a"), LifecycleEntry("b", [interrupt], [])]))
    assert seen == ["a start", "a stop"]


def test_a_failed_stop_is_logged_and_the_others_still_stop(seen, caplog):
    asyncio.run(cycle(Lifecycle(5), entry(seen, "a"), entry(seen, "b", failing="stop"), entry(seen, "c")))
    assert seen[3:] == ["c stop", "b stop", "a stop"]
    (record,) = caplog.records
    assert record.getMessage().startswith("extension 'b': shutdown function ")
    assert record.exc_info[0] is RuntimeError


def test_a_stop_that_is_cancelled_by_itself_does_not_stop_the_others_from_stopping(seen, caplog):
    async def cancelled():
        raise asyncio.CancelledError

    asyncio.run(cycle(Lifecycle(5), entry(seen, "a"), LifecycleEntry("b", [], [cancelled])))
    assert seen == ["a start", "a stop"]
    assert [record.getMessage()[:4] for record in caplog.records] == ["b: s"]


def test_a_stop_that_will_not_end_does_not_stop_the_others_from_stopping(seen, caplog):
    released = []

    async def stubborn():
        while not released:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("refused")

    async def run():
        await cycle(Lifecycle(0.01), entry(seen, "a"), LifecycleEntry("b", [], [stubborn]))
        released.append(True)

    asyncio.run(run())
    assert seen[:3] == ["a start", "refused", "refused"]
    assert "a stop" in seen
    assert "ran out of time" in caplog.records[0].getMessage()


def test_a_stop_that_runs_out_of_time_is_cancelled_and_logged(seen, caplog):
    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    asyncio.run(cycle(Lifecycle(0.01), entry(seen, "a"), LifecycleEntry("extension 'slow'", [], [forever])))
    assert seen == ["a start", "cancelled", "a stop"]
    (record,) = caplog.records
    assert "extension 'slow': shutdown function" in record.getMessage()
    assert "ran out of time (0.01 s)" in record.getMessage()


def test_functions_that_ignore_their_cancellation_leave_the_others_time_within_the_limit(seen, caplog):
    async def stubborn():
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()

    async def closing():
        await asyncio.sleep(0.05)
        seen.append("closed")

    async def run():
        lifecycle = Lifecycle(10)
        await lifecycle.start(
            [
                LifecycleEntry("a", [], [closing]),
                LifecycleEntry("b", [], [stubborn]),
                LifecycleEntry("c", [], [stubborn, closing]),
            ]
        )
        await lifecycle.stop()
        assert asyncio.get_running_loop().time() <= 10
        assert (lifecycle.state, lifecycle.stopping) == ("stopped", None)

    virtual_clock.run(run())
    assert seen == ["closed", "closed"]
    told = [record.getMessage() for record in caplog.records if record.name == "socketify_ext"]
    assert [(text[0], "ignores its cancellation" in text) for text in told] == [
        ("c", False),
        ("c", True),
        ("b", False),
        ("b", True),
    ]


def test_it_says_whose_shutdown_runs():
    lifecycle, found = Lifecycle(1), []

    def ending():
        found.append(lifecycle.stopping)

    asyncio.run(cycle(lifecycle, LifecycleEntry("extension 'x'", [], [ending])))
    assert found[0].startswith("extension 'x': ")
    assert found[0].endswith("ending")


def hanging():
    app = socketify_ext.App(shutdown_timeout=60)

    @app.on_shutdown
    async def never_ending():
        logging.getLogger("app").error("it hangs now")
        await asyncio.Event().wait()

    app.get("/", lambda res, req: res.end("ok"))
    return app


def test_a_second_signal_ends_the_process_and_names_what_hung():
    with serve(hanging) as server:
        server.process.terminate()
        while "it hangs now" not in server.log:
            assert server.process.poll() is None
            time.sleep(0.01)
        server.process.terminate()
        server.process.wait(30)
        assert (
            "a second signal: the process ends without waiting for the app: hanging.<locals>.never_ending" in server.log
        )
        assert "ran out of time" not in server.log


# -- listening and closing

PATIENCE = 10


def announcing(grace=60.0):
    app = socketify_ext.App(shutdown_grace=grace)
    asked = asyncio.Event()

    def say(*words):
        print(*words, flush=True)

    @app.register
    @socketify_ext.extension("second", after=["first"])
    def second(request, response, ws, *, app):
        app.on_listen(lambda address: say("second listens", address.port > 0))
        app.before_close(lambda: say("second closes"))

    @app.register
    @socketify_ext.extension("first")
    def first(request, response, ws, *, app):
        app.on_startup(lambda: say("first starts"))
        app.on_shutdown(lambda: say("first stops"))

        @app.on_listen
        def fail(address):
            raise LookupError("no registry")

        @app.on_listen
        async def listen(address):
            await asyncio.sleep(0.01)
            say("first listens", address.host)

        @app.before_close
        async def close():
            say("first closes")
            await asked.wait()
            raise LookupError("no registry left")

    app.on_listen(lambda address: say("the app listens"))

    @app.before_close
    async def last():
        say("the app closes")
        await asyncio.sleep(0 if grace else 3600)

    app.get("/", lambda res, req: (res.end("ok"), asked.set())[0])
    app.get("/close", lambda res, req: (res.end("closes"), app.close(), app.close())[0])
    return app


def wait_for(server, words):
    deadline = time.monotonic() + PATIENCE
    while words not in server.log:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.01)


@pytest.mark.parametrize("how", ["signal", "close"])
def test_hooks_of_listening_and_closing_run_in_resolved_order_and_their_errors_are_logged(how):
    with serve(announcing) as server:
        wait_for(server, "the app listens")
        if how == "signal":
            server.process.terminate()
        else:
            assert httpx2.get(f"{server.url}/close").text == "closes"
        wait_for(server, "first closes")
        assert httpx2.get(server.url).text == "ok"  # it still listens
        assert server.process.wait(PATIENCE) == 0
        said = [line for line in server.log.splitlines() if line.startswith(("first", "second", "the app"))]
        assert said == [
            "first starts",
            "first listens 127.0.0.1",
            "second listens True",
            "the app listens",
            "first closes",
            "second closes",
            "the app closes",
            "first stops",
        ]
        for hook, words in (("on_listen hook", "no registry"), ("before_close hook", "no registry left")):
            server.wait_for_log(f"{hook} announcing.<locals>.first.<locals>.")
            server.wait_for_log(f"LookupError: {words}")
        server.wait_for_log("ERROR:socketify_ext:extension 'first' (")


def test_a_hook_of_closing_that_hangs_is_cancelled_when_the_grace_is_over():
    with serve(announcing, grace=0) as server:
        assert server.stop(timeout=PATIENCE) == 0
        server.wait_for_log("the app: before_close hook announcing.<locals>.last ran out of time")
        server.wait_for_log("first stops")


def test_a_second_signal_does_not_wait_for_the_hooks_of_closing():
    with serve(announcing) as server:
        wait_for(server, "the app listens")
        server.process.terminate()
        wait_for(server, "first closes")
        server.process.terminate()
        server.process.wait(PATIENCE)
        assert "the app closes" not in server.log


def test_an_app_that_listens_and_closes_without_running_calls_what_is_not_async():
    app, seen = socketify_ext.App(), []

    async def close():
        await asyncio.sleep(0)
        seen.append(("closes", bool(app._server.listening)))

    app.on_listen(lambda address: seen.append(("listens", address.port)))
    app.before_close(close)
    app.listen({"port": 0, "host": "127.0.0.1"}, lambda address: seen.append(("handler", address.port)))
    app.close()
    app.close()
    assert [name for name, _ in seen] == ["handler", "listens", "closes"]
    assert seen[0][1] == seen[1][1] > 0
    assert seen[2][1]
    assert not app._server.listening


def test_an_app_that_comes_while_the_loop_runs_has_its_hooks_too():
    first, seen = socketify_ext.App(), []

    def start():
        second = socketify_ext.App()

        @second.on_listen
        async def listening(address):
            await asyncio.sleep(0)
            seen.append("listens")
            second.close()

        second.before_close(lambda: (seen.append("closes"), first.close()))
        second.listen({"port": 0, "host": "127.0.0.1"})

    first.listen({"port": 0, "host": "127.0.0.1"})
    first.loop.loop.call_soon(start)
    first.run()
    assert seen == ["listens", "closes"]


@pytest.mark.parametrize("name", ["on_listen", "before_close"])
@pytest.mark.parametrize("function", ["x", 3, lambda a, b: None])
def test_a_function_that_can_not_be_called_is_refused(name, function):
    with pytest.raises(SignatureError, match=rf"the app calls app\.{name}: .*Write @app\.{name} above"):
        getattr(socketify_ext.App(), name)(function)

    @socketify_ext.extension("odd")
    def odd(request, response, ws, *, app):
        getattr(app, name)(function)

    with pytest.raises(SignatureError, match=r"extension 'odd'"):
        socketify_ext.App().register(odd)


@pytest.mark.parametrize("name", ["on_listen", "before_close"])
def test_a_stock_app_has_no_such_hooks(name):
    @socketify_ext.extension("odd")
    def odd(request, response, ws, *, app):
        getattr(app, name)(lambda *arguments: None)

    with pytest.raises(InstallError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(odd)
