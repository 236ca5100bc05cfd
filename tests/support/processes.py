"""Apps in forked processes and in other threads, run by test_loop.py: `python processes.py HOW`, until stdin ends.

Each server prints "listens", its process and its port; what is refused prints "error", its process and the error.
"""

import asyncio
import os
import sys
import threading

import socketify_ext

PLACE = {"port": 0, "host": "127.0.0.1"}


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def make():
    app = socketify_ext.App()

    async def late(res, req):
        res.end(str(await asyncio.to_thread(os.getpid)))

    app.get("/", lambda res, req: res.end(str(os.getpid())))
    app.get("/late", late)
    app.get("/publish", lambda res, req: res.end(str(app.publish("t", "news", 1))))
    app.ws("/ws", {"open": lambda ws: ws.subscribe("t")})
    return app


def listen(app):
    app.listen(PLACE, lambda config: say("listens", os.getpid(), config.port))


def end_with_stdin(app):
    """Close the app when the test has ended."""

    def wait():
        sys.stdin.read()
        app.close()

    threading.Thread(target=wait, daemon=True).start()


def serve(app):
    listen(app)
    end_with_stdin(app)
    app.run()


def attempt(call):
    try:
        return call()
    except socketify_ext.ExtensionError as error:
        say("error", os.getpid(), error)


def fork(in_child, in_parent):
    child = os.fork()
    if child == 0:
        in_child()
        os._exit(0)
    in_parent()
    os.waitpid(child, 0)


def in_thread(call):
    thread = threading.Thread(target=attempt, args=(call,))
    thread.start()
    return thread


def forks(how):
    if how == "made in each":
        return fork(lambda: serve(make()), lambda: serve(make()))
    app = make()
    if how == "made before":
        return fork(lambda: serve(app), lambda: serve(app))
    if how == "another before":
        return fork(lambda: serve(make()), lambda: serve(app))
    if how == "made in a loop that ran before":
        app._server.loop.run_until_complete(asyncio.sleep(0.01))
        return fork(lambda: serve(app), lambda: serve(make()))
    listen(app)
    child = {
        "runs after the fork": lambda: attempt(app.run),
        "makes another after the fork": lambda: attempt(make),
        "listens after the fork": lambda: attempt(lambda: app.listen(PLACE)),
        "closes after the fork": lambda: (app.close(), say("closed", os.getpid(), "-")),
    }[how]
    end_with_stdin(app)
    return fork(child, app.run)


def threads(how):
    app = make()
    if how == "runs in a thread":
        return in_thread(lambda: serve(app)).join()
    if how == "runs in a thread with an app":
        return in_thread(lambda: (make(), serve(app))).join()
    if how == "listens here and runs in a thread":
        app.listen(PLACE)
        return in_thread(app.run).join()
    listening = threading.Event()

    def run():
        app._server.loop.call_soon(listening.set)
        serve(app)

    thread = in_thread(run)
    listening.wait()
    attempt(make)
    return thread.join()


if __name__ == "__main__":
    (threads if "thread" in sys.argv[1] else forks)(sys.argv[1])
