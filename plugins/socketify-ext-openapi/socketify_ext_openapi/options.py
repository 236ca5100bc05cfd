"""The options of `openapi`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _path(path: str) -> str:
    plain = set("/-_.~") | set(map(chr, range(48, 58))) | set(map(chr, range(65, 91))) | set(map(chr, range(97, 123)))
    if not path.startswith("/") or path.endswith("/") or not set(path) <= plain:
        raise PydanticCustomError("path", 'give a plain path, as in "/docs": letters, digits and -_.~, no slash at its end')
    return path


Path = Annotated[str, AfterValidator(_path)]


class Tag(BaseModel):
    """A tag and what it stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""


class Options(BaseModel):
    """Options of `openapi`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("API", min_length=1, description="what the API is called")
    version: str = Field("0.1.0", min_length=1, description="the version of the API, not of OpenAPI")
    description: str = Field("", description="what it is for, in Markdown")
    info: dict[str, Any] = Field({}, description='further parts of `info`: "contact", "license", "termsOfService", "summary"')
    servers: tuple[str, ...] = Field((), description="URLs at which the API is served; by default where the document is")
    tags: tuple[Tag, ...] = Field((), description='tags with their descriptions, in the order of the page: `[{"name": "orders"}]`')
    security_schemes: dict[str, dict[str, Any]] = Field(
        {}, description="schemes beside those of `auth`, by name, as OpenAPI writes them"
    )
    path: Path = Field("/openapi.json", description="where the document is")
    docs: Path | None = Field("/docs", description="where the page is; None for none")
    route_options: dict[str, Any] = Field({}, description='options of the routes of both, as in `{"auth": ["docs"]}`')
