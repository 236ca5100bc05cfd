"""The options of `security-headers`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, model_validator
from secure import PermissionsPolicy

from .csp import check_directives, rejection

YEAR: Final = 365 * 24 * 3600
_FEATURE: Final = re.compile(r"[a-z][a-z0-9-]*")
_ALLOWED: Final = re.compile(r"\*|self|src|https?://[^\s\"'/?#,;()\\]+")

ReferrerPolicy = Literal[
    "no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "strict-origin",
    "strict-origin-when-cross-origin", "unsafe-url",
]  # fmt: skip


def _features(value: Mapping[str, tuple[str, ...]] | None) -> Mapping[str, tuple[str, ...]] | None:
    for name, allowed in (value or {}).items():
        if not _FEATURE.fullmatch(name):
            raise rejection(f'{name!r} is not a feature; write it as browsers do, as in "picture-in-picture"')
        for each in allowed:
            if not _ALLOWED.fullmatch(each):
                raise rejection(f'{each!r} of {name} is neither "self" nor "*" nor an origin as https://app.example')
        PermissionsPolicy().add_directive(name, *allowed)
    return value


class Options(BaseModel):
    """Options of `security-headers`: what is sent with each answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    csp: Annotated[Mapping[str, tuple[str, ...] | None] | None, AfterValidator(check_directives)] = Field(
        {}, description="directives of the Content-Security-Policy that replace those by default; None for no policy"
    )
    csp_report_only: bool = Field(
        default=False, description="whether browsers report what breaks the policy, and allow it"
    )
    hsts_max_age: NonNegativeInt | None = Field(
        YEAR, description="seconds for which browsers use HTTPS alone; 0 ends that, None sends no header"
    )
    hsts_include_subdomains: bool = Field(default=False, description="whether that holds for all subdomains, too")
    hsts_preload: bool = Field(default=False, description="whether browsers may have it built in; see hstspreload.org")
    nosniff: bool = Field(default=True, description="whether browsers keep to the Content-Type that was sent")
    referrer_policy: ReferrerPolicy | None = Field(
        "strict-origin-when-cross-origin", description="what links and requests tell others of the page they come from"
    )
    opener_policy: Literal["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"] | None = (
        Field("same-origin", description="which windows may share a browsing context (Cross-Origin-Opener-Policy)")
    )
    embedder_policy: Literal["require-corp", "credentialless", "unsafe-none"] | None = Field(
        None, description="what a page may load from elsewhere (Cross-Origin-Embedder-Policy)"
    )
    resource_policy: Literal["same-origin", "same-site", "cross-origin"] | None = Field(
        "same-origin", description="which pages may embed what this server sends (Cross-Origin-Resource-Policy)"
    )
    permissions: Annotated[Mapping[str, tuple[str, ...]] | None, AfterValidator(_features)] = Field(
        dict.fromkeys(("camera", "geolocation", "microphone", "payment", "usb"), ()),
        description='features of browsers, and who may use them, as in {"camera": ["self"]}; None for no header',
    )

    @model_validator(mode="after")
    def _check_preload(self) -> Options:
        if self.hsts_preload and not (self.hsts_include_subdomains and (self.hsts_max_age or 0) >= YEAR):
            raise rejection(
                f"hsts_preload needs hsts_include_subdomains=True and hsts_max_age={YEAR} or more, or browsers refuse it"
            )
        return self

    def given(self) -> dict[str, Any]:
        """Return the options that were set."""
        return {name: getattr(self, name) for name in self.model_fields_set}
