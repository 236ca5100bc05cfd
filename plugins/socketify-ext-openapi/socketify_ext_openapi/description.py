"""The description of an app: its document, made anew when routes have been added."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from socketify_ext import errors

from .auth import auth_schemes
from .document import build_document, is_documented, operation_models
from .options import Options
from .schemas import check_model
from .security import Security

if TYPE_CHECKING:
    from socketify_ext import RouteInfo


class Description:
    """What the extension knows of an app.

    Args:
        app: has the routes.
        options: say what else stands in the document.
    """

    def __init__(self, app: Any, options: Options) -> None:
        self._app = app
        self._options = options
        self._text: bytes | None = None
        self._checked: dict[int, Any] = {}

    def add(self, route: RouteInfo) -> None:
        """Check that a new route can be described.

        Raises:
            RouteOptionError: a model of it has no JSON Schema.
        """
        self._text = None
        if not is_documented(route):
            return
        for option, model, mode in operation_models(route.options):
            if id(model) not in self._checked:
                _check(route, option, model, mode)
                self._checked[id(model)] = model  # kept, so that no other object gets its id

    def document(self) -> dict[str, Any]:
        """Return the document of the routes that the app has now."""
        security = Security(auth_schemes(self._app), self._options.security_schemes)
        return build_document(self._app.routes, self._options, security)

    def text(self) -> bytes:
        """Return the document as JSON, made once for the routes of an app."""
        if self._text is None:
            self._text = json.dumps(self.document(), ensure_ascii=False, separators=(",", ":")).encode()
        return self._text


def _check(route: RouteInfo, option: str, model: Any, mode: Any) -> None:
    try:
        check_model(model, mode)
    except Exception as error:  # pydantic, msgspec and the model's own code raise whatever they like
        raise errors.RouteOptionError(
            f"route {route}",
            f"can't be described with its {option}=...",
            f"{getattr(model, '__qualname__', model)} has no JSON Schema: {str(error).strip().partition(chr(10))[0]}",
            "Give its type one (pydantic: WithJsonSchema), or leave the route out of the document: hidden=True",
            route=route,
            option=option,
        ) from error
