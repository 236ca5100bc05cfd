import asyncio
import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines import valkey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketify_ext import errors
from socketify_ext.stores import Store, open_store, redis, sqlite, store
from socketify_ext.stores.keyed_lock import KeyedLock

SHARED = ("sqlite", "redis")
ENGINES = ("memory", *SHARED)
EDITS = Path(__file__).parents[1] / "support" / "store_edits.py"


@pytest.fixture(scope="module")
def engine():
    with valkey() as running:
        yield running


@pytest.fixture
def url(request, tmp_path):
    if request.param == "redis":
        return request.getfixturevalue("engine").url
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/values.db"


every = pytest.mark.parametrize("url", ENGINES, indirect=True)
shared = pytest.mark.parametrize("url", SHARED, indirect=True)


def run(url, function, count=1):
    """Run `function(*stores)` with stores of their own, as other processes have them."""

    async def with_stores():
        stores = [open_store(url) for _ in range(count)]
        if url.startswith("redis"):
            await stores[0]._open().flushdb()
        try:
            return await asyncio.wait_for(function(*stores), 30)
        finally:
            for opened in stores:
                await opened.close()

    return asyncio.run(with_stores())


async def until(question):
    """Ask until the answer is yes."""
    while not await question():  # noqa: ASYNC110 - a store tells nobody that something has expired
        await asyncio.sleep(0.002)


@every
def test_a_value_is_there_until_it_is_deleted(url):
    async def use(store):
        assert isinstance(store, Store)
        assert await store.get("k") is None
        await store.set("k", b"\x00\xff")
        await store.set("other", b"")
        assert (await store.get("k"), await store.get("other")) == (b"\x00\xff", b"")
        assert [await store.delete("k"), await store.delete("k")] == [True, False]
        assert (await store.get("k"), await store.get("other")) == (None, b"")

    run(url, use)


@every
def test_a_value_expires(url):
    async def use(store):
        await store.set("k", b"1", expire=0.05)
        await store.set("kept", b"1", expire=60)
        await store.update("edited", lambda _: b"1", expire=0.05)

        async def gone():
            return await store.get("k") is None and await store.get("edited") is None

        await until(gone)
        assert await store.delete("k") is False
        assert await store.get("kept") == b"1"

    run(url, use)


@every
def test_a_later_write_says_anew_when_a_value_expires(url):
    async def use(store):
        await store.set("k", b"1", expire=0.02)
        await store.set("k", b"2")
        await store.set("gone", b"1", expire=0.02)
        await store.update("gone", lambda _: b"2", expire=0.05)
        await until(lambda: is_none(store, "gone"))
        assert await store.get("k") == b"2"

    run(url, use)


async def is_none(store, key):
    return await store.get(key) is None


@every
def test_an_edit_writes_all_its_changes_and_deletes_what_is_none(url):
    async def use(store):
        await store.set("a", b"1")
        await store.set("b", b"2")
        async with store.edit("a", "b", "c") as values:
            assert values == {"a": b"1", "b": b"2", "c": None}
            values["a"], values["b"], values["c"] = None, b"2", b"3"
        assert [await store.get(key) for key in "abc"] == [None, b"2", b"3"]

    run(url, use)


@every
@pytest.mark.parametrize(
    ("changes", "error"), [({"k": 1}, TypeError), ({"unknown": b""}, LookupError), (None, ZeroDivisionError)]
)
def test_an_edit_that_fails_changes_nothing_and_leaves_the_key_free(url, changes, error):
    async def edit(store):
        async with store.edit("k") as values:
            values["k"] = b"2"
            values.update(changes or {"k": b"%d" % (1 // 0)})

    async def use(store):
        await store.set("k", b"1")
        with pytest.raises(error):
            await edit(store)
        assert await store.update("k", lambda value: value + b"!") == b"1!"
        assert await store.get("unknown") is None

    run(url, use)


@every
def test_no_edit_of_many_at_once_is_lost(url):
    async def use(*stores):
        async def add(store):
            async with store.edit("n", expire=60) as values:
                count = int(values["n"] or 0)
                await asyncio.sleep(0)
                values["n"] = b"%d" % (count + 1)

        await asyncio.gather(*(add(stores[number % len(stores)]) for number in range(60)))
        assert await stores[0].get("n") == b"60"

    run(url, use, count=1 if url == "memory://" else 3)


@every
def test_edits_of_other_keys_go_on_meanwhile(url):
    async def use(store):
        async with store.edit("a") as outer:
            async with store.edit("b") as inner:
                inner["b"] = b"2"
            outer["a"] = b"1"
        assert [await store.get(key) for key in "ab"] == [b"1", b"2"]

    run(url, use)


@every
def test_edits_of_several_keys_in_any_order_never_wait_for_each_other_forever(url):
    async def use(first, second):
        async def add(store, *keys):
            async with store.edit(*keys) as values:
                for key in keys:
                    values[key] = (values[key] or b"") + b"x"

        stores = (first, first if url == "memory://" else second)
        await asyncio.gather(
            *(add(stores[n % 2], *(["a", "b", "c"] if n % 3 else ["c", "a", "b"])) for n in range(30)),
        )
        assert [await first.get(key) for key in "abc"] == [b"x" * 30] * 3

    run(url, use, count=2)


@shared
def test_an_edit_waits_for_one_of_another_process(url):
    async def use(here, there):
        async with here.edit("k") as values:
            waiting = asyncio.ensure_future(there.update("k", lambda value: value + b"2"))
            assert (await asyncio.wait({waiting}, timeout=0.05))[0] == set()
            values["k"] = b"1"
        assert await waiting == b"12"

    run(url, use, count=2)


async def edit_during(store, meanwhile, *keys):
    async with store.edit(*keys) as values:
        values.update(dict.fromkeys(keys, b"edit"))
        await meanwhile


@every
def test_an_edit_never_undoes_what_set_wrote_meanwhile(url):
    async def use(store):
        with pytest.raises(errors.StoreConflictError, match="Run it again"):
            await edit_during(store, store.set("k", b"set"), "k")
        assert await store.get("k") == b"set"
        assert await store.update("k", lambda value: value + b"!") == b"set!"

    run(url, use)


@shared
def test_an_edit_that_outlives_its_lease_never_undoes_another(url, monkeypatch):
    monkeypatch.setattr(sqlite, "LEASE", 0.02)
    monkeypatch.setattr(redis, "LEASE", 0.02)

    async def use(slow, fast):
        with pytest.raises(errors.StoreConflictError):
            await edit_during(slow, fast.update("k", lambda _: b"fast"), "k", "other")
        assert [await slow.get("k"), await slow.get("other")] == [b"fast", None]

    run(url, use, count=2)


@every
def test_an_edit_gives_up_when_others_take_too_long(url, monkeypatch):
    monkeypatch.setattr(store, "WAIT", 0.05)

    async def use(here, there):
        async with here.edit("k"):
            for other in (here,) if url == "memory://" else (here, there):
                with pytest.raises(errors.StoreBusyError, match="'k'"):
                    await other.update("k", lambda _: b"1")
        assert await there.update("k", lambda _: b"1") == b"1"

    run(url, use, count=2)


@every
def test_a_cancelled_edit_leaves_the_key_free(url):
    async def use(store):
        inside = asyncio.Event()

        async def edit():
            async with store.edit("k") as values:
                values["k"] = b"lost"
                inside.set()
                await asyncio.Event().wait()

        holder = asyncio.ensure_future(edit())
        await inside.wait()
        waiting = [asyncio.ensure_future(store.update("k", lambda _: b"waited")) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        holder.cancel()
        assert await waiting[1] == b"waited"
        with contextlib.suppress(asyncio.CancelledError):
            await holder
        assert await store.get("k") == b"waited"
        assert not store._lock._waiting

    run(url, use)


def test_a_turn_that_comes_to_a_cancelled_waiter_goes_on_to_the_next():
    async def use():
        lock, deadline = KeyedLock(), asyncio.get_running_loop().time() + 5
        await lock.acquire("k", deadline)
        waiting = [asyncio.ensure_future(lock.acquire("k", deadline)) for _ in range(2)]
        await asyncio.sleep(0)
        lock.release("k")
        waiting[0].cancel()
        await waiting[1]
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        lock.release("k")
        assert not lock._waiting

    asyncio.run(use())


@shared
def test_an_edit_outlives_a_process_that_was_killed_in_one(url):
    async def use(store):
        child = await asyncio.create_subprocess_exec(sys.executable, EDITS, "hold", url, stdout=subprocess.PIPE)
        assert await child.stdout.readline() == b"inside\n"
        child.send_signal(signal.SIGKILL)
        await child.wait()
        assert await store.update("k", lambda value: (value or b"") + b"1") == b"1"

    run(url, use)


@shared
def test_a_store_that_was_open_before_a_fork_works_in_all_processes(url):
    async def use(store):
        # From 3.12 on Python warns of threads at a fork; the one of SQLite is idle then.
        command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", EDITS, "fork", url]
        output = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert (output.returncode, output.stderr) == (0, "")
        assert await store.get("n") == b"42"

    run(url, use)


@every
@pytest.mark.parametrize("key", ["", "k" * 513, "ä" * 257, "\ud800", b"bytes", None])
def test_a_key_that_is_no_short_text_is_refused(url, key):
    async def use(store):
        for call in (store.get(key), store.set(key, b""), store.delete(key), store.update(key, bytes)):
            with pytest.raises(errors.StoreAddressError, match="1 to 512 bytes"):
                await call

    run(url, use)


@every
def test_what_is_no_bytes_or_no_time_is_refused(url):
    async def use(store):
        with pytest.raises(TypeError, match="bytes, not a str"):
            await store.set("k", "text")
        for call in (store.set("k", b"", expire=0), store.update("k", lambda _: b"", expire=-1)):
            with pytest.raises(ValueError, match="seconds above 0"):
                await call
        assert await store.get("k") is None

    run(url, use)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "carts.db",
        "mongodb://host",
        "sqlite://",
        "sqlite:///",
        "sqlite://carts.db",
        "sqlite:///carts.db?mode=ro",
        "memory://?max_keys=0",
        "sqlite:///:memory:",
        "memory://?max_bytes=0",
        "memory://?keys=5",
        "redis+srv://user:s3cret@host",
        "http://user:s3cret@[host",
    ],
)
def test_another_url_is_refused_without_showing_its_password(url):
    with pytest.raises(errors.StoreAddressError) as refused:
        open_store(url)
    assert "memory://, sqlite:///file.db" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_memory_keeps_what_was_written_last():
    async def use(store):
        for number in range(4):
            await store.set(str(number), b"")
            await store.set("0", b"")
        assert [key for key in "0123" if await store.get(key) is not None] == ["0", "2", "3"]

    run("memory://?max_keys=3", use)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_lets_nobody_else_read_its_file(url):
    async def use(store):
        await store.set("k", b"1")
        path = Path(url.removeprefix("sqlite:///"))
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("values.db*")} == {0o600}

    run(url, use)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_takes_expired_rows_out_of_the_file(url):
    def count(store):
        return store._connect().execute("SELECT count(*) FROM socketify_ext_values").fetchone()[0]

    async def use(store):
        await store.set("gone", b"", expire=0.02)
        await until(lambda: is_none(store, "gone"))
        await store.set("k", b"")
        assert await store._run(count, store) == 1

    run(url, use)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_rows_that_expire_never_pile_up_in_sqlite(url):
    def count(store):
        return store._connect().execute("SELECT count(*) FROM socketify_ext_values").fetchone()[0]

    async def use(store):
        for number in range(1000):
            await store.set(f"gone {number}", b"", expire=0.001)
        await until(lambda: is_none(store, "gone 999"))
        for _ in range(20):
            await store.set("k", b"")
        assert await store._run(count, store) == 1

    run(url, use)


def test_memory_keeps_no_more_bytes_than_it_may_and_drops_the_expired_first():
    async def use(store):
        await store.set("kept", b"x" * 1000)
        await store.set("gone", b"x" * 1000, expire=0.001)
        await until(lambda: expired(store, "gone"))
        await store.set("new", b"x" * 1000)
        assert set(store._entries) == {"kept", "new"}
        for number in range(50):
            await store.set(str(number), b"x" * 1000)
            assert store._bytes <= 4000
        assert set(store._entries) == {"48", "49", "47"}
        with pytest.raises(errors.StoreUnavailableError, match="max_bytes"):
            await store.set("large", b"x" * 4000)
        for key in list(store._entries):
            await store.delete(key)
        assert (store._bytes, len(store._expiring)) == (0, 0)

    async def expired(store, key):
        return store._entries[key][1] <= time.monotonic()

    run("memory://?max_bytes=4000", use)


def test_a_lock_forget_waiters_that_gave_up():
    async def use():
        lock = KeyedLock()
        loop = asyncio.get_running_loop()
        await lock.acquire("k", loop.time() + 10)
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await lock.acquire("k", loop.time())
        assert len(lock._waiting["k"]) == 0
        lock.release("k")
        assert lock._waiting == {}

    asyncio.run(use())


def test_sqlite_takes_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("sqlite:///a%20b.db", lambda store: store.set("k", b"1"))
    assert (tmp_path / "a b.db").exists()


def test_sqlite_without_its_folder_says_so(tmp_path):
    with pytest.raises(errors.StoreUnavailableError, match=r"none/values\.db failed"):
        run(f"sqlite:///{tmp_path}/none/values.db", lambda store: store.get("k"))


def test_redis_that_is_away_is_an_error_and_comes_back():
    async def use(store):
        await store.set("k", b"1")
        running.stop()
        for call in (store.get("k"), store.update("k", lambda _: b"lost")):
            with pytest.raises(errors.StoreUnavailableError, match="Look at the engine"):
                await call
        running.start()
        await store.set("k", b"2")
        assert await store.update("k", lambda value: value + b"!") == b"2!"

    with valkey() as running:
        run(running.url, use)


def test_redis_that_hangs_is_an_error_in_time_and_comes_back(monkeypatch):
    monkeypatch.setattr(redis, "TIMEOUT", 0.1)

    async def use(store):
        await store.set("k", b"1")
        running.pause()
        calls = [store.get("k"), *(store.update(str(number), lambda _: b"") for number in range(30))]
        failed = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error) for error in failed} == {errors.StoreUnavailableError}
        running.resume()
        await until(lambda: answers(store))
        assert await store.get("k") == b"1"

    async def answers(store):
        with contextlib.suppress(errors.StoreUnavailableError):
            return await store.get("k") is not None

    with valkey() as running:
        run(running.url, use)


def test_errors_of_redis_do_not_show_its_password():
    async def use():
        with pytest.raises(errors.StoreUnavailableError, match=r"store redis://127\.0\.0\.1:1/0 failed") as failed:
            await open_store("redis://ann:s3cret@127.0.0.1:1/0").get("k")
        assert "s3cret" not in str(failed.value)

    asyncio.run(use())


@every
def test_a_closed_store_opens_again(url):
    async def use(store):
        await store.set("k", b"1")
        await store.close()
        await store.close()
        assert await store.get("k") == b"1"

    run(url, use)


keys = st.sampled_from(["a", "b"])
steps = st.lists(
    st.tuples(st.just("set"), keys, st.binary(max_size=3))
    | st.tuples(st.just("delete"), keys, st.none())
    | st.tuples(st.just("edit"), keys, st.none() | st.binary(max_size=3)),
    max_size=8,
)


@every
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_a_store_holds_what_a_dict_would(url, steps):
    async def use(store):
        for key in "ab":
            await store.delete(key)
        wanted = {}
        for step, key, value in steps:
            if step == "set":
                await store.set(key, value)
            elif step == "delete":
                assert await store.delete(key) == (key in wanted)
            else:
                assert await store.update(key, lambda _, new=value: new) == value
            wanted = {**wanted, key: value} if value is not None else {k: v for k, v in wanted.items() if k != key}
        assert {key: found for key in "ab" if (found := await store.get(key)) is not None} == wanted

    run(url, use)


def test_importing_stores_imports_no_engine():
    code = "import sys, socketify_ext.stores; print({'redis', 'sqlite3', 'socketify'} & set(sys.modules))"
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}  # it uses SQLite itself
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert output.stdout == "set()\n"


def test_the_example_of_the_page_prints_what_it_says(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "stores.md").read_text()
    example, extension = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    output = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ
    )
    assert output.stdout.splitlines() == [line.split(",")[0] for line in re.findall(r"\)  # (.*)", example)]
    assert "app.on_shutdown(store.close)" in extension
