"""The certificate of a run, checked before any worker starts: the core says only that it can't serve."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from socketify_ext import errors

if TYPE_CHECKING:
    from .settings import RunSettings


def check_certificate(settings: RunSettings) -> None:
    """Check that the certificate and the key can be read and belong together.

    Raises:
        ListenError: they can't be used.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # whether a key is strong enough is not what is asked
    try:
        # An empty password, so that nobody is asked for one.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except ssl.SSLError:
        reason = "one of them is not what it should be, or they don't belong together"
    except OSError as error:
        reason = f"they can't be read ({error.strerror})"
    else:
        return
    raise errors.ListenError(
        "the server",
        f"can't use the certificate {settings.tls_cert} with the key {settings.tls_key}",
        reason,
        "Give a certificate and its own key, without a password, both as PEM",
    )
