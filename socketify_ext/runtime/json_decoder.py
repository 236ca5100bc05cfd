"""JSON from clients, by the app's serializer."""

from __future__ import annotations

import json
from typing import Any

from ..sdk.body import not_json


def load_json(serializer: Any, data: bytes) -> Any:
    """Return the object that a body holds as JSON.

    Args:
        serializer: the module json, or anything else with `loads`.
        data: the body.

    Raises:
        HTTPError: 400, it is not JSON (RFC 8259): NaN and Infinity, which Python's own reader takes, are not.
    """
    loads = serializer.loads
    if not data:
        raise not_json("it is empty")
    try:
        text = data.decode()
        return loads(text, parse_constant=_refuse) if serializer is json else loads(text)
    except UnicodeDecodeError as error:
        raise not_json(f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise not_json("it is nested too deep") from None
    except ValueError as error:
        raise not_json(str(error)) from None
    except Exception:  # a serializer of the app says in its own way that it can't read
        raise not_json("") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
