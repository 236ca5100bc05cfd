"""The extension: msgspec is the app's serializer."""

from __future__ import annotations

from ... import errors
from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from .encoder import make_msgspec_encoder


class MsgspecSerializer:
    """What `app.json_serializer` takes, on msgspec.

    Raises:
        MissingExtraError: msgspec is not installed.
    """

    def __init__(self) -> None:
        errors.require_extra("msgspec", "fast", "extension 'json'")
        import msgspec

        self.dumps = self.dump_bytes = make_msgspec_encoder()
        self.loads = msgspec.json.Decoder().decode


@extension("json")
def json(request: Surface, response: Surface, ws: Surface, *, app: AppSurface) -> None:
    """Answer and parse JSON with msgspec, by the same rules as without it."""
    app.json_serializer(MsgspecSerializer())
