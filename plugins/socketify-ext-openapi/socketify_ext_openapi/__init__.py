"""OpenAPI for socketify."""

from .extension import openapi
from .options import Options

__all__ = ["Options", "openapi"]
