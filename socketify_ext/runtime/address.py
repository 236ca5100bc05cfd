"""The client's address, as the core tells it while the connection is there."""

from __future__ import annotations

from collections.abc import Callable

from .core import ffi, lib, unpack
from .pending import Waiting


class Address(Waiting):
    """Who is at the other end of a response."""

    def _address(self, getter: Callable[..., int]) -> bytes | None:
        res = self._native("its address")
        if self._answered:
            return None
        buffer = ffi.new("char**")
        length = getter(self._ssl, res, buffer)
        return unpack(buffer[0], length) if buffer[0] else None

    def get_remote_address_bytes(self) -> bytes | None:
        """Give the client's address as 4 or 16 bytes; None after the answer."""
        return self._address(lib.uws_res_get_remote_address)

    def get_remote_address(self) -> str | None:
        """Give the client's address as text; None after the answer."""
        found = self._address(lib.uws_res_get_remote_address_as_text)
        return None if found is None else found.decode()

    def get_proxied_remote_address_bytes(self) -> bytes | None:
        """Give the address that a proxy in front told (PROXY protocol)."""
        return self._address(lib.uws_res_get_proxied_remote_address)

    def get_proxied_remote_address(self) -> str | None:
        """Give the address that a proxy in front told, as text."""
        found = self._address(lib.uws_res_get_proxied_remote_address_as_text)
        return None if found is None else found.decode()
