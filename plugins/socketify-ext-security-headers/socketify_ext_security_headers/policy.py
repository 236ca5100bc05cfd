"""The headers of an answer: pure, without a request or a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secure import ContentSecurityPolicy, PermissionsPolicy, StrictTransportSecurity

from .csp import NONCE, Directives, merge
from .options import Options

# For browsers that do not know frame-ancestors; by its sources.
_FRAME_OPTIONS: Final[Mapping[tuple[str, ...], str]] = {("'none'",): "DENY", ("'self'",): "SAMEORIGIN"}


class Policy:
    """What the answers of some routes say.

    Args:
        options: of the app.
        route: what a route's own options replace; directives of its `csp` one by one.
    """

    def __init__(self, options: Options, route: Options | None = None) -> None:
        given = {} if route is None else route.given()
        combined = Options(**options.given() | given)
        directives = merge(options.csp, *((given["csp"],) if "csp" in given else ()))
        self.fixed: Final = tuple(_fixed(combined, directives))
        """The headers that are the same for every answer, by name."""
        self.csp_name: Final = (
            "Content-Security-Policy-Report-Only" if combined.csp_report_only else "Content-Security-Policy"
        )
        text = _csp(directives) if directives else None
        self.uses_nonce: Final = text is not None and NONCE in text
        self._parts = None if text is None else text.split(f" {NONCE}")
        # Where it stood alone no source is left, which browsers take as 'none'.
        self._without = None if self._parts is None else "".join(self._parts)

    def csp(self, nonce: str | None) -> str | None:
        """Return the Content-Security-Policy of an answer, None where there is none.

        Args:
            nonce: what the scripts and styles of this answer carry; None for an answer that has not asked for one.
        """
        if nonce is None or self._parts is None:
            return self._without
        return f" 'nonce-{nonce}'".join(self._parts)


def _csp(directives: Directives) -> str:
    builder = ContentSecurityPolicy()
    for name, sources in directives.items():
        builder.custom_directive(name, *(sources or ()))
    return builder.header_value


def _fixed(options: Options, directives: Directives | None) -> list[tuple[str, str]]:
    frame_options = _FRAME_OPTIONS.get((directives or {}).get("frame-ancestors") or ())
    hsts = None
    if options.hsts_max_age is not None:
        builder = StrictTransportSecurity().max_age(options.hsts_max_age)
        if options.hsts_include_subdomains:
            builder.include_subdomains()
        if options.hsts_preload:
            builder.preload()
        hsts = builder.header_value
    permissions = None
    if options.permissions:
        features = PermissionsPolicy()
        for name, allowed in options.permissions.items():
            features.add_directive(name, *allowed)
        permissions = features.header_value
    every = (
        ("Strict-Transport-Security", hsts),
        ("X-Content-Type-Options", "nosniff" if options.nosniff else None),
        ("X-Frame-Options", None if options.csp_report_only else frame_options),
        ("Referrer-Policy", options.referrer_policy),
        ("Cross-Origin-Opener-Policy", options.opener_policy),
        ("Cross-Origin-Embedder-Policy", options.embedder_policy),
        ("Cross-Origin-Resource-Policy", options.resource_policy),
        ("Permissions-Policy", permissions),
    )
    return [(name, value) for name, value in every if value is not None]
