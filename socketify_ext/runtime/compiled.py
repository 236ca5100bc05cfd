"""The compiled hot path: a distribution of its own, that is found here or left out."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Final

VARIABLE: Final = "SOCKETIFY_EXT_SPEEDUPS"
MODULE: Final = "socketify_ext_speedups"
INTERFACE: Final = 2
"""What the module and the package have agreed on: both count it up with every change of what they say to each other."""


def find() -> tuple[ModuleType | None, str]:
    """Find the compiled module.

    Returns:
        The module, None where it is not used; and its version, or why it is not used.
    """
    if os.environ.get(VARIABLE) == "0":
        return None, f"left out by {VARIABLE}=0"
    try:
        module = importlib.import_module(MODULE)
    except ModuleNotFoundError:
        return None, "not installed"
    except ImportError as error:
        return None, f"not used, since they can't be loaded: {error}"
    version = str(module.__version__)
    if module.INTERFACE != INTERFACE:
        return None, f"not used: {version} is for another version of socketify-ext"
    return module, version
