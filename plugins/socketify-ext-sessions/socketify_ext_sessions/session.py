"""`Session`: what one client's session holds, and how it becomes JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from socketify_ext import HTTPError

_CONTENT: Final = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class Origin:
    """How a session is kept: its id in a store, when it began and was last used, and its content as JSON."""

    id: str | None
    created: float
    used: float
    content: bytes


class Session(dict[str, Any]):
    """A dict of JSON values that belongs to one client.

    Changes count once they are saved, by `await req.save_session()` or at the end of `async with req.edit_session()`.
    A session that is empty then is not kept, nor is its cookie.
    """

    __slots__ = ("is_open", "is_renewed", "origin")

    def __init__(self, content: Mapping[str, Any] | None = None, origin: Origin | None = None) -> None:
        super().__init__(content or {})
        self.origin = origin
        self.is_renewed = False
        self.is_open = False  # in an edit_session block

    @property
    def is_new(self) -> bool:
        """Whether nothing of it is stored yet."""
        return self.origin is None

    def regenerate(self) -> None:
        """Go on under a new id, with all that it holds; the old one counts no more once this is saved.

        Call it at login, so that an id from before it is worth nothing (session fixation). The absolute timeout starts
        anew.
        """
        self.is_renewed = True

    def destroy(self) -> None:
        """Forget all that it holds, and its id: what is put in afterwards begins a new session."""
        self.clear()
        self.regenerate()

    @property
    def is_changed(self) -> bool:
        """Whether it has unsaved changes."""
        if self.is_renewed or self.origin is None:
            return self.is_renewed or bool(self)
        return self != decode(self.origin.content)

    def saved(self, origin: Origin | None) -> None:
        """Note how it is stored now, None if it is not."""
        self.origin = origin
        self.is_renewed = False


def encode(session: Session, max_bytes: int) -> bytes:
    """Return a session's content as JSON.

    Raises:
        TypeError: JSON can't represent a key or a value exactly.
        HTTPError: 413, it is too large.
    """
    try:
        _CONTENT.validate_python(dict(session), strict=True)
        data = dumps(session)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _rejection("".join(f"[{part!r}]" for part in first["loc"][:1]), type(first["input"]).__name__) from None
    except ValueError as error:
        raise _rejection("", str(error)) from None
    if len(data) > max_bytes:
        raise HTTPError(413, f"a session has {max_bytes} bytes at most")
    return data


def decode(content: bytes) -> dict[str, Any]:
    """Read a session's content."""
    found: dict[str, Any] = json.loads(content)
    return found


def dumps(session: dict[str, Any]) -> bytes:
    """Write what `decode` reads, without a check."""
    return json.dumps(session, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _rejection(where: str, found: str) -> TypeError:
    return TypeError(
        f"session{where} can't be saved: it holds what JSON does not give back as it was ({found}). "
        "Keep text, finite numbers, booleans, None, lists, and dicts with text as keys"
    )
