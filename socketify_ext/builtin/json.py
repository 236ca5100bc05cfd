"""`json`: JSON by msgspec, several times as fast as the standard module."""

from __future__ import annotations

from .. import errors
from ..declaration import extension
from ..declared_app import DeclaredApp
from ..surface import Surface
from .plain import plain


class MsgspecSerializer:
    """What `app.json_serializer` takes, on msgspec.

    Raises:
        InstallError: msgspec is not installed.
    """

    def __init__(self) -> None:
        try:
            import msgspec
        except ImportError:
            raise errors.InstallError(
                "extension 'json'",
                "can't be loaded",
                "msgspec is not installed",
                'Install the extra: pip install "socketify-ext[fast]"',
            ) from None
        self.dumps = msgspec.json.Encoder(enc_hook=plain).encode
        self.loads = msgspec.json.Decoder().decode


@extension("json")
def json(request: Surface, response: Surface, ws: Surface, *, app: DeclaredApp) -> None:
    """Answer and parse JSON with msgspec: datetimes, UUID, Decimal, dataclasses, enums and pydantic models included."""
    app.json_serializer(MsgspecSerializer())
