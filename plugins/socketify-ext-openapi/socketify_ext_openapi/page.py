"""The page that shows the document: Swagger UI, from the files of an installed package."""

from __future__ import annotations

import json
from html import escape
from importlib.util import find_spec
from pathlib import Path
from posixpath import dirname, relpath
from typing import Final
from urllib.parse import urlsplit

from socketify_ext.errors import MissingExtraError

PACKAGE: Final = "flask_swagger_ui"
ASSETS: Final = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
START: Final = "start.js"

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{base}/favicon-32x32.png">
<link rel="stylesheet" href="{base}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; <a href="{document}">the document</a> does not.</noscript>
<script src="{base}/swagger-ui-bundle.js"></script>
<script src="{base}/start.js"></script>
</body>
</html>
"""
# No code of others: the validator's badge would tell another site the address of this one.
_START: Final = """\
"use strict";
SwaggerUIBundle({{
  url: {document},
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false
}});
"""


def asset_folder() -> Path:
    """Return the folder with Swagger UI, without importing the package that has it.

    Raises:
        MissingExtraError: the package is not installed.
    """
    found = find_spec(PACKAGE)
    folder = Path(found.origin).parent / "dist" if found is not None and found.origin else None
    if folder is not None and all((folder / name).is_file() for name in ASSETS):
        return folder
    raise MissingExtraError(
        "extension 'openapi'",
        "has no files of Swagger UI",
        f"the package {PACKAGE} is not installed" if folder is None else f"{folder} does not have them",
        'Install the extra: pip install "socketify-ext-openapi[docs]", or load it with docs=None',
        module=PACKAGE,
        extra="docs",
    )


def page(title: str, docs: str, path: str) -> bytes:
    """Return the page at `docs`, which shows the document at `path`; its links work behind a proxy with a prefix, too."""
    return _PAGE.format(
        title=escape(title), base=escape(docs.rpartition("/")[2]), document=escape(_relative(path, docs))
    ).encode()


def start_script(docs: str, path: str) -> bytes:
    """Return the script that starts Swagger UI."""
    return _START.format(document=json.dumps(_relative(path, docs)).replace("<", "\\u003c")).encode()


def policy(servers: tuple[str, ...]) -> str:
    """Return the page's Content-Security-Policy: its own files alone, and requests to the servers of the API."""
    origins = (f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, servers) if parts.scheme and parts.netloc)
    connect = " ".join(dict.fromkeys(("'self'", *origins)))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _relative(path: str, docs: str) -> str:
    return relpath(path, dirname(docs))
