"""Where a server listens: each place is right, or an error that says what to write."""

import asyncio
import os
import socket
import subprocess
import sys
import threading

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
        ({"fd": 3, "port": 80}, "Write either"),
        *(({"fd": number}, "let it listen") for number in (True, "3", 1.0, -1, 10**6, 0)),
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
        (Options(port=1, options=1), Address(1, None, 1)),
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


LISTENS = """
import sys
import socketify_ext

app = socketify_ext.App()
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"}, reuse_port=sys.argv[2:] == ["shared"] or None)
print("listens", flush=True)
sys.stdin.read()
"""


def other_process(port, *shared):
    """Start a process that listens on a port; return it, and what it printed."""
    pipe, text = subprocess.PIPE, subprocess.STDOUT
    command = [sys.executable, "-c", LISTENS, str(port), *shared]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=text, text=True)
    line = process.stdout.readline()
    return process, line if line == "listens\n" else line + process.stdout.read()


def end(process):
    process.stdin.close()
    process.stdout.close()
    process.wait(20)


@pytest.fixture
def holder():
    """Hold a port as a server that would share it, of one address of IPv4."""
    with socket.socket() as held:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            held.setsockopt(socket.SOL_SOCKET, option, 1)
        held.bind(("127.0.0.1", 0))
        yield held


@pytest.mark.parametrize("host", [None, "127.0.0.1", "0.0.0.0", "::", "localhost"])  # noqa: S104 - taken
def test_a_port_on_which_another_server_listens_is_an_error(holder, host):
    app, places = socketify_ext.App(), []
    holder.listen()
    with pytest.raises(ListenError, match=r"another server listens there\. .*reuse_port=True"):
        app.listen({"port": holder.getsockname()[1], "host": host})
    app.listen({"port": 0, "host": "127.0.0.1"}, places.append)
    assert places[0].port
    app.close()


def test_a_second_process_is_refused_without_a_traceback_of_a_callback():
    app, places = socketify_ext.App(), []
    app.listen({"port": 0, "host": "127.0.0.1"}, places.append, reuse_port=True)
    process, output = other_process(places[0].port)
    app.close()
    assert process.wait(20) == 1
    assert "EXT403" in output
    assert output.count("Traceback") == 1
    assert "From cffi callback" not in output
    end(process)


def test_processes_that_ask_for_it_share_a_port():
    app, places = socketify_ext.App(), []
    app.listen({"port": 0, "host": "127.0.0.1"}, places.append)
    port = places[0].port
    app.close()
    first, said = other_process(port, "shared")
    second, too = other_process(port, "shared")
    assert [said, too] == ["listens\n"] * 2
    end(first)
    end(second)


def test_a_port_that_only_closed_connections_had_is_free():
    app, places = socketify_ext.App(), []
    app.listen({"port": 0, "host": "127.0.0.1"}, places.append)
    port = places[0].port
    with socket.create_connection(("127.0.0.1", port), 5):
        app.close()
        other = socketify_ext.App()
        other.listen({"port": port, "host": "127.0.0.1"})
        other.close()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"port": 0, "host": "192.0.2.1"}, "this machine has no such address"),
        ({"port": 0, "options": 1}, "Drop one"),
    ],
)
def test_why_a_server_cannot_listen_is_said(given, why):
    with pytest.raises(ListenError, match=why):
        socketify_ext.App().listen(given, reuse_port=True)


def test_a_unix_socket_at_which_a_server_answers_is_taken_and_a_stale_one_is_not(tmp_path):
    path = str(tmp_path / "x.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    first, places = socketify_ext.App(), []
    first.listen({"domain": path}, places.append)
    assert places[0].domain == path
    with pytest.raises(ListenError, match="another server listens there"):
        socketify_ext.App().listen({"domain": path})
    second = socketify_ext.App()
    second.listen({"domain": path}, reuse_port=True)
    first.close()
    second.close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_a_socket_that_is_open_is_served_and_stays_open(family, tmp_path):
    with socket.socket(family) as listening:
        listening.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "x.sock"))
        with pytest.raises(ListenError, match="does not listen"):
            socketify_ext.App().listen({"fd": listening.fileno()})
        listening.listen()
        name, places, asked = listening.getsockname(), [], []
        app = socketify_ext.App()
        app.get("/", lambda res, req: res.end("served"))
        app.listen({"fd": listening.fileno()}, places.append)
        assert (places[0].domain or (places[0].host, places[0].port)) == name

        def ask():
            with socket.socket(family) as client:
                client.connect(name)
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                asked.append(client.recv(1000))
            app.close()

        thread = threading.Thread(target=ask)
        thread.start()
        app.run()
        thread.join()
        assert b"200 OK" in asked[0]
        with socket.socket(family) as late:
            late.connect(name)


def test_each_answer_of_a_server_that_ends_says_so():
    def make():
        app = socketify_ext.App()

        async def last(res, req):
            app.close()
            await asyncio.sleep(0)
            res.end("last")

        app.get("/last", last)
        app.get("/first", lambda res, req: res.end("first"))
        return app

    with serve(make) as server, socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"onnection: close" not in client.recv(1000)
        client.sendall(b"GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while part := client.recv(1000):
            answer += part
        assert b"Connection: close" in answer
        assert answer.endswith(b"last")


def test_an_error_of_the_handler_is_that_of_listen():
    app = socketify_ext.App()
    with pytest.raises(ZeroDivisionError):
        app.listen({"port": 0, "host": "127.0.0.1"}, lambda place: 1 / 0)
    app.close()


FORKS = """
import os
import socketify_ext
import sys

children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        children = []
        break
    children.append(child)
app = socketify_ext.App()
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"})
app.close()
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def test_workers_that_a_program_forks_share_its_port(holder):
    command = [sys.executable, "-c", FORKS, str(holder.getsockname()[1])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")


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
