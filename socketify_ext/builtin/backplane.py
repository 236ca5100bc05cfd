"""`backplane`: what is published reaches every process."""

from __future__ import annotations

from pydantic import BaseModel

from ..declaration import extension
from ..surface import Surface


class Options(BaseModel):
    """Options of `backplane`."""

    url: str = "memory://"


@extension("backplane", options=Options)
def backplane(request: Surface, response: Surface, ws: Surface, *, options: Options) -> None:
    """Publish to every process and machine."""
