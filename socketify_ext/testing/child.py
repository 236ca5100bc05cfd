"""The process that `serve` starts: unpack the factory, make the app, listen, report the port, serve."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from .serving import making_app


class Sources(MetaPathFinder):
    """Find modules of the tests' process that are on no search path, by their files."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's
        target: ModuleType | None = None,  # noqa: ARG002 - the same
    ) -> ModuleSpec | None:
        """Find a module's file."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def unpack(file: str) -> Any:
    """Make the app of a packed factory."""
    given = pickle.loads(Path(file).read_bytes())  # noqa: S301 - our own parent wrote it
    os.chdir(given["folder"])
    sys.path[:] = given["path"]
    sys.meta_path.insert(0, Sources(given["sources"]))
    factory, arguments = pickle.loads(given["call"])  # noqa: S301 - the same
    return factory(**arguments)


def main(file: str, writer: int) -> None:
    """Serve until a signal comes."""
    logging.basicConfig(format="%(levelname)s:%(name)s:%(message)s")
    making_app.set(True)
    app = unpack(file)
    making_app.set(False)

    def tell(config: Any) -> None:
        os.write(writer, str(config.port).encode())
        os.close(writer)

    app.listen({"port": 0, "host": "127.0.0.1"}, tell)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
