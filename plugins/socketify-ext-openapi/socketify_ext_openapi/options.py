"""The options of `openapi`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _path(path: str) -> str:
    plain = set("/-_.~") | set(map(chr, range(48, 58))) | set(map(chr, range(65, 91))) | set(map(chr, range(97, 123)))
    if not path.startswith("/") or path.endswith("/") or not set(path) <= plain:
        raise PydanticCustomError(
            "path", 'give a plain path, as in "/docs": letters, digits and -_.~, no slash at its end'
        )
    return path


def _server(url: str) -> str:
    if not url or _SERVER.fullmatch(url) is None:
        raise PydanticCustomError("server", 'give a URL, as in "https://api.example/v1", or a path, as in "/v1"')
    return url


Path = Annotated[str, AfterValidator(_path)]
Server = Annotated[str, AfterValidator(_server)]
# The origin also stands in the page's policy.
_SERVER: Final = re.compile(
    r"(?:https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)?(?:/[!$&'()*+,/0-9:=@A-Z_a-z~.%-]*)?"
)


class Tag(BaseModel):
    """A tag and what it stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="as in the option `tags` of routes")
    description: str = Field("", description="what the group is for, in Markdown")


class Options(BaseModel):
    """Options of `openapi`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("API", min_length=1, description="what the API is called")
    version: str = Field("0.1.0", min_length=1, description="the version of the API, not of OpenAPI")
    description: str = Field("", description="what it is for, in Markdown")
    info: dict[str, Any] = Field(
        {}, description='further parts of `info`: "contact", "license", "termsOfService", "summary"'
    )
    servers: tuple[Server, ...] = Field(
        (), description="URLs at which the API is served; by default where the document is"
    )
    tags: tuple[Tag, ...] = Field(
        (), description='tags with their descriptions, in the order of the page: `[{"name": "orders"}]`'
    )
    security_schemes: dict[str, dict[str, Any]] = Field(
        {}, description="schemes beside those of `auth`, by name, as OpenAPI writes them"
    )
    path: Path = Field("/openapi.json", description="where the document is")
    docs: Path | None = Field("/docs", description="where the page is; None for none")
    route_options: dict[str, Any] = Field({}, description='options of the routes of both, as in `{"auth": ["docs"]}`')
