"""Request ids and a structured access log for socketify."""

from .context import RequestIdFilter, current_request_id
from .extension import request_id
from .options import Options

__all__ = ["Options", "RequestIdFilter", "current_request_id", "request_id"]
