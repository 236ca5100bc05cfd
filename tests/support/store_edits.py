"""Processes that edit a store, run by test_stores.py: `python store_edits.py hold|fork URL`."""

import asyncio
import os
import sys

from socketify_ext.stores import open_store, redis, sqlite


async def hold(store):
    """Stay in an edit until killed; with a short lease, which the others wait for."""
    sqlite.LEASE = redis.LEASE = 0.3
    async with store.edit("k") as values:
        values["k"] = b"lost"
        print("inside", flush=True)
        await asyncio.Event().wait()


async def add(store, times):
    async def once():
        async with store.edit("n") as values:
            values["n"] = b"%d" % (int(values["n"] or 0) + 1)

    await asyncio.gather(*(once() for _ in range(times)))


def fork(store):
    """Use the store, fork four processes that use it too, and use it again."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(add(store, 1))
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            fresh = asyncio.new_event_loop()
            fresh.run_until_complete(add(store, 10))
            fresh.run_until_complete(store.close())
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    loop.run_until_complete(add(store, 1))
    loop.run_until_complete(store.close())
    loop.close()


if __name__ == "__main__":
    opened = open_store(sys.argv[2])
    if sys.argv[1] == "hold":
        asyncio.run(hold(opened))
    else:
        fork(opened)
