"""Where a server listens: each place is right, or an error that says what to write."""

import asyncio
import os
import socket
import subprocess
import sys

import pytest
import socketify

import socketify_ext
from socketify_ext.errors import LifecycleError, ListenError, ServeError
from socketify_ext.runtime.listening import Address, address_of
from socketify_ext.testing import serve

Options = socketify.AppListenOptions
UNGUARDED = """
import socketify_ext
from socketify_ext.testing import serve

def make():
    return socketify_ext.App()

with serve(make):
    print("served")
"""


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        *((port, "from 0 to 65535") for port in (-1, 65536, 70000, 10**30, True, False)),
        *((given, r"Write app\.listen\(3000\)") for given in ("8000", 3.5, [], b"1", object())),
        *(({"port": port}, "from 0 to 65535") for port in ("80", 1.0, True, -1, 65536)),
        (Options(port=70000), "from 0 to 65535"),
        ({"prot": 80}, "Did you mean 'port'"),
        ({"zzzzzz": 80}, "There are port, host"),
        ({1: 80}, "There are port, host"),
        *(({"host": host}, "an address of this machine") for host in ("", 7, "a\0b", "nosuch.invalid", "999.1.1.1")),
        ({"host": "x" * 70_000}, "an address of this machine"),
        (Options(host=""), "an address of this machine"),
        *(({"options": options}, "Write 0, or 1") for options in (2, -1, True, "1", [], 10**30)),
        *(({"domain": path}, "run/app.sock") for path in ("", 7, "/tmp/a\0b")),  # noqa: S108 - never made
        ({"domain": "/" + "x" * 200}, "Choose a shorter one"),
        ({"domain": "/none/x.sock"}, "Make the folder first"),
        ({"domain": __file__}, "remove the file"),
        ({"domain": "/x.sock", "port": 80}, "Write either"),
        ({"domain": "/x.sock", "host": "::1"}, "Write either"),
    ],
)
def test_what_is_no_place_to_listen_at_is_an_error(given, fix):
    app, started = socketify_ext.App(), []
    app.on_startup(lambda: started.append(1))
    with pytest.raises(ListenError, match=fix):
        app.listen(given)
    assert started == []


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (None, Address()),
        (3000, Address(3000)),
        ({}, Address()),
        ({"port": 1, "host": None, "options": 0, "domain": None}, Address(1)),
        ({"port": 1, "host": "127.0.0.1"}, Address(1, "127.0.0.1")),
        (Options(port=1, host="::1"), Address(1, "::1")),
        (Options(port=1, options=1), Address(1, "0.0.0.0", 1)),  # noqa: S104 - compared alone
        (Options(domain="x.sock"), Address(domain="x.sock")),
        ({"domain": "x.sock", "options": 1}, Address(options=1, domain="x.sock")),
    ],
)
def test_a_place_is_read(given, address):
    assert address_of(given) == address


@pytest.mark.parametrize("given", [None, 0, {}, {"host": "localhost"}, Options(), Options(host="127.0.0.1", options=1)])
def test_a_server_listens_where_it_says(given):
    app, places = socketify_ext.App(), []
    app.listen(given, places.append)
    with socket.create_connection(("localhost", places[0].port), 5):
        pass
    app.close()


def test_a_port_that_is_taken_is_an_error():
    app, places = socketify_ext.App(), []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(ListenError, match=r"127\.0\.0\.1, port \d+: the port or path is taken"):
            app.listen({"port": taken.getsockname()[1], "host": "127.0.0.1"})
        app.listen({"port": 0, "host": "127.0.0.1"}, places.append)
    assert places[0].port
    app.close()


def test_an_app_may_listen_twice_and_is_closed_whole(tmp_path):
    app, places = socketify_ext.App(), []
    app.listen({"port": 0, "host": "127.0.0.1"}, places.append)
    app.listen({"domain": str(tmp_path / "x.sock")}, places.append)
    app.listen({"port": 0, "host": "127.0.0.1"}, places.append)
    ports = [place.port for place in places if place.port]
    assert len(ports) == 2
    app.close()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)


def served_once():
    app = socketify_ext.App()
    app.listen({"port": 0, "host": "127.0.0.1"})
    app._server.loop.call_soon(app.close)
    app.run()
    return app


@pytest.mark.parametrize("again", [lambda app: app.listen(0), lambda app: app.run()])
def test_an_app_serves_once(again):
    app = served_once()
    with pytest.raises(LifecycleError, match="Make another App"):
        again(app)


def test_an_app_that_runs_is_not_run_again():
    app, caught = socketify_ext.App(), []

    async def again():
        try:
            app.run()
        except LifecycleError as error:
            caught.append(str(error))
        await asyncio.sleep(0)
        app.close()

    app.listen({"port": 0, "host": "127.0.0.1"})
    task = app._server.loop.create_task(again())
    app.run()
    assert task.done()
    assert "it runs already" in caught[0]


def test_a_module_that_serves_itself_when_it_is_imported_says_so(tmp_path):
    (tmp_path / "unguarded.py").write_text(UNGUARDED)
    run = subprocess.run(
        [sys.executable, "-c", "import unguarded"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert run.returncode == 1
    assert 'below if __name__ == "__main__"' in run.stderr
    assert run.stderr.count("did not start") == 1


def test_a_factory_that_serves_is_told_so():
    def nested():
        with serve(socketify_ext.App):
            pass

    with pytest.raises(ServeError, match="the served process imports the module that calls it"), serve(nested):
        pass
