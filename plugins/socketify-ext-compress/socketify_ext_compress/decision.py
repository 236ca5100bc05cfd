"""What may be compressed: pure, without a request or a response."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

_TYPES: Final = frozenset(
    f"application/{kind}"
    for kind in (
        "javascript", "json", "jsonl", "manifest+json", "msgpack", "rtf", "vnd.ms-fontobject", "wasm", "x-javascript",
        "x-ndjson", "xml", "yaml",
    )
) | {"font/otf", "font/ttf", "image/bmp", "image/vnd.microsoft.icon", "image/x-icon"}  # fmt: skip
_SUFFIXES: Final = ("+json", "+xml", "+yaml", "+json-seq")

# What a page of another site can't make a browser send: it would have to know the token.
_OWN_SCHEMES: Final = ("bearer", "dpop")
_OWN_SITES: Final = ("same-origin", "none")

# These stand for the bytes of the body, or of a part of it.
BODY_BOUND: Final = ("Content-Encoding", "Content-Range", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5")


def has_body(status: int) -> bool:
    """Check whether an answer of this status has a whole body (206 has a part)."""
    return status >= 200 and status not in (204, 205, 206, 304)


def shrinks(content_type: str | None, further: Collection[str] = ()) -> bool:
    """Check whether a body of this type gets smaller; one without a type is left as it is.

    Args:
        content_type: the header, with parameters.
        further: media types that do, too.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TYPES or kind.endswith(_SUFFIXES) or kind in further


def forbids(cache_control: str | None) -> bool:
    """Check whether the answer says that nobody may transform it (RFC 9111, 5.2.2.6)."""
    return cache_control is not None and "no-transform" in cache_control.lower()


def may_be_probed(cookie: str | None, authorization: Iterable[str], sites: Collection[str]) -> bool:
    """Check whether another site may have made the user's browser send this request, with the user's credentials.

    That is what BREACH needs: it compares the sizes of answers to many such requests, of which each holds a guess. A
    browser says where a request comes from, over HTTPS; one that does not is taken for one that can be made to.

    Args:
        cookie: the request's Cookie.
        authorization: its Authorization headers.
        sites: its Sec-Fetch-Site headers.
    """
    is_sent_by_itself = any(value.partition(" ")[0].lower() not in _OWN_SCHEMES for value in authorization)
    if not cookie and not is_sent_by_itself:
        return False
    return len(sites) != 1 or not all(site in _OWN_SITES for site in sites)


def vary(present: str | None) -> str | None:
    """Return the Vary of an answer that depends on Accept-Encoding; None where it says so already."""
    names = [name.strip().lower() for name in (present or "").split(",")]
    if "*" in names or "accept-encoding" in names:
        return None
    return f"{present}, Accept-Encoding" if present else "Accept-Encoding"


def weaken(etag: str | None) -> str | None:
    """Return the weak form of a strong validator, None where there is nothing to change: its bytes are others now."""
    return f"W/{etag}" if etag is not None and etag.startswith('"') else None
