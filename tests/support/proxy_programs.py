"""nginx and HAProxy with a configuration of the docs, in front of a server."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time

import doc_pages

_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin"

# Root's nginx would serve as nobody, who may not enter the folders of tests.
_USER = " user root;" if os.getuid() == 0 else ""


def block(page, name):
    """Return the one block of a page in the language of a proxy."""
    (found,) = [each for each in doc_pages.blocks(page) if each.language == name]
    return found.text


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(name, text, port, folder):
    """Run a proxy whose configuration listens on 8080 on another port."""
    file = folder / f"{name}.conf"
    file.write_text(re.sub(r"(listen|bind) :?8080", rf"\1 127.0.0.1:{port}", text))
    command = {
        "nginx": ["-p", folder, "-c", file, "-g", f"daemon off; pid {folder}/pid; error_log stderr;{_USER}"],
        "haproxy": ["-f", file],
    }[name]
    program = shutil.which(name, path=_FOLDERS)
    assert program, f"{name} is not installed: make proxies installs it"
    process = subprocess.Popen([program, *map(str, command)])
    try:
        until = time.monotonic() + 10
        while True:
            assert process.poll() is None, f"{name} has ended"
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 10):
                break
            assert time.monotonic() < until, f"{name} does not listen"
        yield
    finally:
        process.terminate()
        process.wait(10)
