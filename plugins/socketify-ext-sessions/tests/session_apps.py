"""Apps that the tests serve; each in a process of its own."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import socketify

import socketify_ext

SECRET = "newest-secret-of-the-app"  # noqa: S105 - made up
README = Path(__file__).parent.parent / "README.md"
state = {"held": None, "left": None}


def make(kind="app", **options):
    app = socketify_ext.App() if kind == "app" else socketify.App()
    app.register(socketify_ext.load("sessions", **{"secret": SECRET, "cookie_secure": False, **options}))
    for group in ((show, put, touch, count, append), (login, login_by_save, logout, logout_by_save)):
        for handler in group:
            app.get(f"/{handler.__name__}", handler)
    for handler in (twice, together, fail, error, meanwhile, release, is_held, leave, has_left, wrong, late_edit):
        app.get(f"/{handler.__name__}", handler)
    return app


async def show(res, req):
    res.end(await req.load_session())


async def put(res, req):
    session = await req.load_session()
    session[req.get_query("key")] = req.get_query("value") or "x" * int(req.get_query("length"))
    await req.save_session()
    res.end(session)


async def touch(res, req):
    await req.load_session()
    await req.save_session()
    res.end(req.session)


async def count(res, req):
    async with req.edit_session() as session:
        await asyncio.sleep(0)
        session["count"] = session.get("count", 0) + 1
    res.end(session)


async def append(res, req):
    async with req.edit_session() as session:
        found = session.get("items", [])
        await asyncio.sleep(0)
        session["items"] = [*found, int(req.get_query("item"))]
    res.end(session)


async def login(res, req):
    async with req.edit_session() as session:
        session.regenerate()
        session["user"] = req.get_query("user")
    res.end(session)


async def login_by_save(res, req):
    session = await req.load_session()
    session.regenerate()
    session["user"] = req.get_query("user")
    await req.save_session()
    await req.save_session()
    res.end(session)


async def logout(res, req):
    async with req.edit_session() as session:
        session.destroy()
    res.end(session)


async def logout_by_save(res, req):
    session = await req.load_session()
    session.destroy()
    if req.get_query("notice"):
        session["notice"] = req.get_query("notice")
    await req.save_session()
    res.end(session)


async def twice(res, req):
    async with req.edit_session() as session:
        session["first"] = 1
    async with req.edit_session() as session:
        session["second"] = 2
    session["third"] = 3
    await req.save_session()
    res.end(await req.load_session())


async def together(res, req):
    first, second = await asyncio.gather(req.load_session(), req.load_session())
    res.end({"same": first is second is req.session})


async def fail(res, req):
    before = await req.load_session()
    try:
        async with req.edit_session() as session:
            session["lost"] = True
            session["wrong"] = object()
    except TypeError:
        res.end({"restored": req.session is before, "session": before})


async def error(res, req):
    async with req.edit_session() as session:
        session["lost"] = True
        raise socketify_ext.HTTPError(403, "no")


async def meanwhile(res, req):
    """Save what another request has changed since it was loaded."""
    session = await req.load_session()
    state["held"] = asyncio.get_running_loop().create_future()
    await state["held"]
    session["mine"] = True
    await req.save_session()
    res.end(session)


async def release(res, req):
    state["held"].set_result(None)
    res.end("released")


async def is_held(res, req):
    res.end({"held": state["held"] is not None and not state["held"].done()})


async def leave(res, req):
    """Begin a session for a client that leaves meanwhile."""
    state["held"] = asyncio.get_running_loop().create_future()
    res.on_aborted(lambda res: state["held"].set_result(None))
    async with req.edit_session() as session:
        session["late"] = True
        await state["held"]
    state["left"] = req.session.is_new


async def has_left(res, req):
    res.end({"left": state["left"]})


async def wrong(res, req):
    way = req.get_query("way")
    if way == "unloaded":
        await req.save_session()
    elif way == "unsaved":
        session = await req.load_session()
        session["a"] = 1
        async with req.edit_session():
            pass
    elif way == "nested":
        async with req.edit_session(), req.edit_session():
            pass
    elif way == "inside":
        async with req.edit_session():
            await req.save_session()
    else:
        async with req.edit_session() as session:
            session["when"] = 1 if way == "late" else {"at": object()}
            if way == "late":
                res.end("answered")


async def late_edit(res, req):
    async with req.edit_session() as session:
        session["late"] = True
        res.end("answered")


def readme(store):
    """Run the README's example up to where it listens."""
    example = re.search(r"```python\n(.*?)\napp\.listen", README.read_text(), re.DOTALL)[1]
    names = {}
    exec(example.replace("sqlite:///sessions.db", store), names)  # noqa: S102 - it is ours
    return names["app"]
