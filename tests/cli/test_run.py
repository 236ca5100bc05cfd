"""`socketify-ext run`: real supervisors, workers, signals and clients."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from run_program import Runner, Running, read_answer, runner

__all__ = ["runner"]

DATA = Path(__file__).parents[1] / "data"
APP = """
    import os
    import socketify_ext

    app = socketify_ext.App()
    app.register(socketify_ext.load("json"))
    app.get("/", lambda res, req: res.end("first"))
    app.get("/process", lambda res, req: res.end(str(os.getpid())))

    @app.on_shutdown
    def leave():
        print("left in order", flush=True)
"""


def _process(running: Running) -> str:
    return running.get("/process").removeprefix("200 ")


# -- the start


def test_an_app_is_served_and_stopped_in_order(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app")
    assert running.get() == "200 first"
    running.wait_for(r"main:app at http://127\.0\.0\.1:\d+ \(1 worker, 2 routes\)")
    running.wait_for("json")
    assert running.stop() == 0
    assert running.output.count("left in order") == 1


@pytest.mark.parametrize(
    ("code", "target"),
    [
        (
            APP.replace("app = socketify_ext.App()", "app = socketify_ext.App()") + "\n    app.listen(3000)\n",
            "main:app",
        ),
        (APP + "\n    def make():\n        return app\n", "main:make"),
        (APP + "\n    def serve():\n        app.listen(3000)\n        app.run()\n", "main:serve"),
        ("def run(app):\n    app.get('/', lambda res, req: res.end('first'))\n", "main:run"),
        ("import socketify\napp = socketify.App()\napp.get('/', lambda res, req: res.end('first'))\n", "main:app"),
    ],
    ids=["listens", "factory", "serves", "run", "stock"],
)
def test_each_kind_of_target_is_served(runner: Runner, code: str, target: str):
    runner.write(code)
    assert runner.serve(target).get() == "200 first"


@pytest.mark.parametrize(
    ("code", "target", "reason"),
    [
        ("import nothing_of_that_name", "main:app", "No module named 'nothing_of_that_name'"),
        ("app = 1 / 0", "main:app", "ZeroDivisionError"),
        ("app = 1", "main:app", "neither an App nor an extension"),
        ("", "other:app", "there is no module 'other'"),
        ("def extension(request, response, ws): ...", "main:extension", "it is an extension, not an app"),
        (
            APP + "\n    @app.on_startup\n    def fail():\n        raise OSError('no database')\n",
            "main:app",
            "no database",
        ),
        ("raise SystemExit('stop')", "main:app", "SystemExit: stop"),
        ("import os\nos._exit(3)", "main:app", "worker 1 ended with code 3 before it served"),
        ("def broken(:", "main:app", "main.py:1)"),
    ],
)
def test_what_can_not_be_served_is_one_message(runner: Runner, code: str, target: str, reason: str):
    runner.write(code)
    running = runner.start(target)
    assert running.wait() == 1
    assert reason in running.output
    assert "Traceback" not in running.output
    assert running.output.count("error:") == 1


def test_the_traceback_is_shown_where_it_is_asked_for(runner: Runner):
    runner.write("app = 1 / 0")
    running = Running(runner.folder, ("--traceback", "run", "main:app", "--port", "0"), {})
    assert running.wait() == 1
    assert "Traceback" in running.output


def test_what_no_worker_can_serve_is_one_message_for_all(runner: Runner):
    runner.write(APP + "\n    @app.on_startup\n    def fail():\n        raise OSError('no database')\n")
    running = runner.start("main:app", "--workers", "3")
    assert running.wait() == 1
    assert running.output.count("no database") == running.output.count("error:") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--workers", "0"), 2, "'0' is neither a number from 1 to 1024"),
        (("--workers", "some"), 2, "'some' is neither a number from 1 to 1024"),
        (("--port", "70000"), 2, "less than or equal to 65535"),
        (("--host", ""), 2, "Invalid value for --host: it is empty"),
        (("--host", "192.0.2.1"), 1, "Write an address of this machine"),
        (("--uds", ""), 2, "Invalid value for --uds: it is empty"),
        (("--uds", "missing/app.sock"), 1, "Make the folder"),
        (("--uds", "main.py"), 1, "there is a file of that name, which is not a socket"),
        (("--uds", "x" * 200), 1, "Choose a shorter one"),
        (("--tls-cert", "main.py"), 2, "--tls-cert and --tls-key go together"),
        (("--tls-key", "main.py"), 2, "--tls-cert and --tls-key go together"),
        (("--tls-cert", "missing.pem", "--tls-key", "main.py"), 2, "there is no file 'missing.pem'"),
        (("--tls-cert", "main.py", "--tls-key", "main.py"), 1, "one of them is not what it should be"),
        (
            ("--tls-cert", str(DATA / "localhost.crt"), "--tls-key", "main.py"),
            1,
            "one of them is not what it should be",
        ),
        (("--env-file", "missing.env"), 2, "there is no file 'missing.env'"),
        (("--env-file", "."), 2, "there is no file '.'"),
        (("--stop-timeout", "nan"), 2, "greater than or equal to 0.1"),
    ],
)
def test_bad_input_is_one_message(runner: Runner, arguments: tuple[str, ...], code: int, reason: str):
    runner.write(APP)
    running = runner.start("main:app", *arguments, COLUMNS="300")
    assert running.wait() == code
    assert reason in running.output
    assert "Traceback" not in running.output
    assert running.output.lower().count("error") == 1


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "x", "should be a valid integer"),
        ("WORKERS", "many", "'many' is neither a number"),
        ("RELOAD", "maybe", "should be a valid boolean"),
        ("LOG_LEVEL", "loud", "'loud' is not one of"),
        ("ENV_FILE", "missing.env", "there is no file"),
    ],
)
def test_bad_input_in_the_environment_is_one_message(runner: Runner, name: str, value: str, reason: str):
    runner.write(APP)
    running = runner.start("main:app", COLUMNS="300", **{f"SOCKETIFY_EXT_RUN_{name}": value})
    assert running.wait() == 2
    assert reason in running.output
    assert "Traceback" not in running.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_port_is_one_message(runner: Runner, workers: str):
    runner.write(APP)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        running = runner.start("main:app", "--port", str(other.getsockname()[1]), "--workers", workers)
        assert running.wait() == 1
    assert "another server listens there" in running.output
    assert "--port 0" in running.output
    assert "Traceback" not in running.output


def test_a_unix_socket_is_served_and_removed(runner: Runner):
    runner.write(APP)
    path = runner.folder / "app.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    running = runner.start("main:app", "--uds", "app.sock", "--workers", "2")
    running.wait_for(r"at unix:app\.sock")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(client) == "200 first"
    assert runner.start("main:app", "--uds", "app.sock").wait() == 1
    assert running.stop() == 0
    assert not path.exists()


def test_tls_is_that_of_the_command_line(runner: Runner):
    runner.write(APP)
    certificate = ("--tls-cert", str(DATA / "localhost.crt"), "--tls-key", str(DATA / "localhost.key"))
    running = runner.serve("main:app", *certificate)
    assert "https://127.0.0.1" in running.output
    assert running.get(tls=True) == "200 first"


def test_options_come_from_the_environment_too(runner: Runner):
    runner.write(APP)
    runner.write("GREETING=hello\nTAKEN=file\n", "variables.env")
    runner.write(
        "import os, socketify_ext\napp = socketify_ext.App()\n"
        "app.get('/', lambda res, req: res.end(os.environ['GREETING'] + os.environ['TAKEN']))\n",
        "other.py",
    )
    running = runner.serve("other:app", SOCKETIFY_EXT_RUN_ENV_FILE="variables.env", TAKEN="shell")
    assert running.get() == "200 helloshell"


def test_requests_are_logged_as_json(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app", "--access-log", "json")
    running.get("/a%1b[31mpath")
    line = json.loads(running.wait_for(r"socketify_ext\.access: (\{.*\})"))
    assert (line["method"], line["status"], line["route"], line["client"]) == ("GET", 404, "/*", "127.0.0.1")
    assert line["path"] == "/a%1b[31mpath"


# -- what is not as production wants it


def test_what_is_of_one_process_is_a_warning_with_several(runner: Runner):
    runner.write("""
        import socketify_ext

        app = socketify_ext.App()
        app.register(socketify_ext.load("backplane", url="memory://"))
        app.register(socketify_ext.load("cart", store="memory://", secret="s" * 32, cookie_secure=True))
    """)
    running = runner.serve("main:app", "--workers", "2")
    running.wait_for("cookie_secure=True, and this server has no TLS")
    assert "backplane: url='memory://' is of one process, and 2 workers serve: write a redis:// URL" in running.output
    assert "cart: store='memory://' is of one process" in running.output
    assert "ssss" not in running.output


# -- restarts


def test_no_request_fails_while_workers_are_replaced(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app", "--workers", "2")
    before, failed, served = running.workers(), [], []
    stop = threading.Event()

    def load() -> None:
        client = running.connect()
        while not stop.is_set():
            try:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                head = b""
                while b"\r\n\r\nfirst" not in head:
                    head += client.recv(65536) or b"ended"
                    assert b"ended" not in head
                served.append(head[9:12])
                if b"onnection: close" in head:
                    client.close()
                    client = running.connect()
            except (OSError, AssertionError) as error:
                failed.append(error)
                client = running.connect()
        client.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for times in (1, 2):
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("replaced 2 workers", times)
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert set(served) == {b"200"}
    assert not set(before) & set(running.workers())
    assert running.stop() == 0


def test_the_workers_go_on_where_new_ones_can_not_serve(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app")
    runner.write("app = 1 / 0")
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("the workers that serve go on")
    assert running.get() == "200 first"
    assert running.stop() == 0


def test_a_worker_that_dies_is_replaced(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app")
    first = _process(running)
    os.kill(int(first), signal.SIGKILL)
    running.wait_for(r"worker 1 died \(SIGKILL\)")
    assert _process(running) != first
    assert running.stop() == 0


def test_workers_that_die_at_once_end_the_run(runner: Runner):
    runner.write(
        APP
        + """
    @app.on_startup
    async def die():
        import asyncio
        asyncio.get_running_loop().call_later(0.01, os._exit, 7)
"""
    )
    running = runner.start("main:app")
    assert running.wait() == 1
    assert "worker 1 died (code 7)" in running.output
    assert "workers die at once" in running.output


def test_a_worker_rests_after_its_requests(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app", "--max-requests", "5")
    first = _process(running)
    for _ in range(5):
        running.get()
    running.wait_for("left in order")
    assert _process(running) != first
    assert running.stop() == 0


def test_a_worker_rests_at_its_age(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app", "--max-age", "1")
    running.wait_for("left in order")
    assert running.get() == "200 first"


def test_workers_end_in_order_without_their_supervisor(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app", "--workers", "2")
    running.process.kill()
    running.wait_for("left in order", 2)


def test_a_worker_that_does_not_stop_is_killed(runner: Runner):
    runner.write(
        APP
        + """
    @app.on_shutdown
    def hang():
        print("hangs", flush=True)
        while True:
            pass
"""
    )
    running = runner.serve("main:app", "--stop-timeout", "0.5")
    assert running.stop() == 0
    assert "hangs" in running.output


def test_signals_for_programs_reach_the_workers(runner: Runner):
    runner.write(
        APP
        + """
    import signal
    signal.signal(signal.SIGUSR1, lambda *_: print("signalled", flush=True))
"""
    )
    running = runner.serve("main:app", "--workers", "2")
    running.process.send_signal(signal.SIGUSR1)
    running.wait_for("signalled", 2)


# -- development


def test_a_change_is_served_and_an_error_is_shown(runner: Runner):
    runner.write(APP)
    running = runner.serve("main:app", "--reload")
    running.wait_for("--reload is for development")
    assert running.get() == "200 first"
    runner.write(APP.replace('"first"', '"second one"'))
    running.wait_for("serving again")
    assert running.get() == "200 second one"
    runner.write(APP + "    1 / 0\n")
    running.wait_for("waiting for a change")
    assert "ZeroDivisionError: division by zero" in running.output
    runner.write(APP.replace('"first"', '"third"'))
    running.wait_for("serving again", 2)
    assert running.get() == "200 third"
    assert running.output.count("left in order") == 2
    assert running.stop() == 0


def test_open_streams_and_sockets_do_not_hold_a_reload(runner: Runner):
    code = (
        APP
        + """
    async def endless(res, req):
        async def parts():
            import asyncio
            while True:
                yield "part"
                await asyncio.sleep(0.05)
        await res.stream(parts())

    app.get("/stream", endless)
    app.ws("/ws", {"message": lambda ws, message, opcode: None})
"""
    )
    runner.write(code)
    running = runner.serve("main:app", "--reload")
    with running.connect() as stream, running.connect() as other:
        stream.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.recv(1000)
        other.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in other.recv(1000)
        runner.write(code.replace('"first"', '"second one"'))
        running.wait_for("serving again")
        assert running.get() == "200 second one"
    assert "left in order" in running.output
