"""docs/tutorial.md, followed literally from its first line to its last; and other pages that show conversations."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from doc_pages import blocks, exchanges, python, written
from run_program import Running

from socketify_ext.testing import serve

PAGES = ("docs/index.md", "docs/json.md", "docs/requests.md", "docs/cookies.md")
PROGRAMS = {page: [block.text for block in python(page)] for page in PAGES}
INSTALLED = ("python3 -m venv .venv && . .venv/bin/activate", "pip install ")  # the environment of the tests has it


@pytest.mark.parametrize("page", PROGRAMS)
def test_every_request_of_the_page_gets_the_answer_that_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # its database goes there
    shown = [each for each in map(exchanges, blocks(page)) if each]
    assert shown
    with serve(written, sources=PROGRAMS[page]) as server:
        for conversation in shown:
            with httpx2.Client(base_url=server.url) as client:
                for method, path, headers, content, answer in conversation:
                    assert client.request(method, path, headers=headers, content=content).text == answer


class Reader:
    """Somebody who does what the tutorial says, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Running | None = None
        self.client: Running | None = None
        self.starts = 0
        self.variables: dict[str, str] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def write(self, code: str) -> None:
        """Write the test into its file, and everything else at the end of the program."""
        if "def test_" in code:
            (self.folder / "test_shop.py").write_text(code)
            return
        with (self.folder / "shop.py").open("a") as program:
            program.write(code)
        if self.server is not None:
            self.starts += 1
            self.server.wait_for("serving again", self.starts)

    def do(self, command: str, shown: str) -> None:
        """Run a command, which gives what the page shows."""
        if command.startswith(INSTALLED):
            return
        if command.startswith("socketify-ext run "):
            self.end()
            arguments = command.removeprefix("socketify-ext ").split()
            self.server, self.starts = Running(self.folder, (*arguments, "--port", str(self.port)), {}), 0
            self.server.wait_until_ready()
            return
        local = command.replace("localhost:3000", f"localhost:{self.port}")
        if command.startswith("websockets "):
            self.client = Running(self.folder, (local.split('"')[1],), {}, ("websockets",))
            return
        if command == "export $(cat .env)":
            self.variables = dict(line.split("=", 1) for line in (self.folder / ".env").read_text().splitlines())
            return
        environment = {**os.environ, **self.variables, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        run = subprocess.run(  # noqa: S602 - as its reader does
            local, shell=True, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{command}: {run.stdout}{run.stderr}"
        if shown:
            assert run.stdout.rstrip("\n") == shown.rstrip("\n"), command

    def read(self, text: str) -> None:
        """Look for what the text says that the client shows."""
        for line in re.findall(r"shows `(< [^`]+)`", text):
            assert self.client is not None
            self.client.wait_for(re.escape(line))

    def end(self) -> str:
        """Stop the server as Ctrl-C does, and return what it has written."""
        if self.server is None:
            return ""
        server, self.server = self.server, None
        assert server.stop(signal.SIGINT) == 0
        return server.output

    def close(self) -> None:
        """End what still runs."""
        for each in (self.server, self.client):
            if each is not None:
                each.process.kill()


def test_the_tutorial_gives_what_it_says_from_its_first_line_to_its_last(tmp_path):
    reader, text = Reader(tmp_path), (Path(__file__).parents[2] / "docs/tutorial.md").read_text()
    lines, at = text.splitlines(keepends=True), 0
    try:
        for block in blocks("docs/tutorial.md"):
            reader.read("".join(lines[at : block.line - 1]))
            at = block.line - 1 + block.text.count("\n")
            if block.language == "python":
                reader.write(block.text)
                continue
            assert block.language == "console"
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                reader.do(command, shown)
        output = reader.end()
        assert "(2 workers, " in output
        assert "cookie_secure" not in output or "warning" in output
        assert "receipts" in output
    finally:
        reader.close()
