"""The media type of a file, by its name; the same on every machine."""

from __future__ import annotations

from mimetypes import MimeTypes
from typing import Final

# Not those of the machine. What is served to browsers is named here, since CPython's own table changes.
_KNOWN: Final = MimeTypes()
_WEB: Final = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "text/xml",
}
for _suffix, _type in _WEB.items():
    _KNOWN.add_type(_type, _suffix)
_CODED: Final = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}
_OTHER: Final = "application/octet-stream"


def media_type(name: str) -> str:
    """Return the media type of a file's name; text is UTF-8, and what is not known is bytes."""
    # The name alone: in "a:b.html" or "data:,.html" nothing but its suffix counts.
    found, coding = _KNOWN.guess_type("x." + name.rpartition("/")[2].replace(":", "_"), strict=True)
    if coding is not None:
        return _CODED.get(coding, _OTHER)
    if found is None:
        return _OTHER
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
