"""Run the Python of pages, each page as one program, in a process in which no app listens; print what failed."""

import os
import sys
import traceback

import socketify
from doc_pages import python

import socketify_ext


def stay(app, *arguments):
    """Stand in for `listen` and `run`."""
    return app


def run(page):
    """Run the blocks of a page in order; gives how many ran."""
    names = {"__name__": page.rpartition("/")[2].removesuffix(".md")}
    count = 0
    for block in python(page):
        code = compile("\n" * (block.line - 1) + block.text, page, "exec")
        if not block.is_fragment:
            exec(code, names)  # noqa: S102 - it is ours
            count += 1
    return count


def main(pages):
    for app in (socketify.App, socketify_ext.App):
        app.listen = app.run = stay
    count = 0
    for page in pages:
        try:
            count += run(page)
        except Exception:
            print(f"{page}:\n{traceback.format_exc()}")
    print(f"{count} blocks ran")
    sys.stdout.flush()
    os._exit(0)  # apps that never ran have nothing to end


if __name__ == "__main__":
    main(sys.argv[1:])
