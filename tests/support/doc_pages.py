"""The pages of the documentation as tests see them: their blocks, and servers that run their code."""

import re
import shlex
import sys
import types
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^(<!-- fragment: [^\n]+ -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code; a fragment is shown without what it needs to run."""

    language: str
    text: str
    is_fragment: bool
    line: int


def blocks(page):
    """Return the blocks of a page, by its path in the project."""
    text = (ROOT / page).read_text()
    return [
        Block(match[2], match[3], bool(match[1]), text[: match.start(3)].count("\n") + 1)
        for match in BLOCK.finditer(text)
    ]


def python(page):
    """Return the Python of a page, in order."""
    return [block for block in blocks(page) if block.language == "python"]


def written(sources, name="example"):
    """Run pieces of code as one program, and give its app."""
    module = sys.modules[name] = types.ModuleType(name)
    for source in sources:
        exec(compile(source, name, "exec"), vars(module))  # noqa: S102 - it is ours
    return module.app


class Exchange(NamedTuple):
    """A request as a page shows it for curl, and what the page says of the answer."""

    method: str
    path: str
    headers: dict[str, str]
    content: str | None
    answer: str


def exchanges(block):
    """Read the curl commands of a console block."""
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE):
        command, _, answer = part.partition("\n")
        if command.startswith("curl "):
            words = iter(shlex.split(command)[1:])
            method, headers, content, path = "GET", {}, None, ""
            for word in words:
                if word == "-X":
                    method = next(words)
                elif word == "-H":
                    name, _, value = next(words).partition(": ")
                    headers[name] = value
                elif word == "-d":
                    content = next(words)
                elif word in ("-b", "-c"):  # each block has a client of its own, which keeps its cookies
                    next(words)
                else:
                    path = word.removeprefix("http://localhost:3000")
            found.append(Exchange(method, path, headers, content, answer.strip()))
    return found
