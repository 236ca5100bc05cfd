"""The file of variables that a worker reads before it loads its app."""

from __future__ import annotations

import os

from socketify_ext import errors


def read_env_file(path: str) -> None:
    """Set the variables of a file, unless the environment has them already.

    Raises:
        MissingExtraError: python-dotenv is not installed.
    """
    errors.require_extra("dotenv", "run", "--env-file")
    from dotenv import dotenv_values

    for name, value in dotenv_values(path).items():
        if value is not None:
            os.environ.setdefault(name, value)
