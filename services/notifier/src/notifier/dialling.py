"""Connections to push services: to an address that was looked at, with the protocol that both sides speak."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import cast

from notifier.addresses import Resolve, addresses_of, resolve_name
from notifier.endpoints import Origin
from notifier.http1 import Http1Connection
from notifier.http2 import Http2Connection
from notifier.wire import NotTaken

PROTOCOLS = ("h2", "http/1.1")
"""By ALPN, the best first."""
EACH_SECONDS = 4.0
"""For one address: the next one may answer."""


class Dialling:
    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        private: bool,
        resolve: Resolve = resolve_name,
        protocols: Sequence[str] = PROTOCOLS,
        kept: bool = False,
    ) -> None:
        """`private` allows addresses that are not public. `tls` is told what we speak: `protocols`.

        Connections that are `kept` stay open when they are not used.
        """
        tls.set_alpn_protocols(list(protocols))
        self._tls, self._private, self._resolve = tls, private, resolve
        self._protocols, self._kept = protocols, kept

    async def dial(self, origin: Origin, changed: Callable[[], None]) -> Http1Connection | Http2Connection:
        """Raise `NotTaken`, or `EndpointRefused` if the name leads where it must not."""
        try:
            addresses = await addresses_of(origin, self._resolve, private=self._private)
        except (OSError, UnicodeError) as error:
            raise NotTaken(f"the name does not resolve: {type(error).__name__}") from None
        reason = ""
        for address in addresses:
            try:
                async with asyncio.timeout(EACH_SECONDS):
                    return await self._connect(origin, address, changed)
            except (OSError, ValueError) as error:  # TimeoutError among them; a name that TLS cannot send
                reason = type(error).__name__
        raise NotTaken(f"no connection: {reason}")

    async def _connect(
        self, origin: Origin, address: str, changed: Callable[[], None]
    ) -> Http1Connection | Http2Connection:
        """The address is a number: nothing is resolved again."""
        secure = origin.scheme == "https"
        _, chosen = await asyncio.get_running_loop().create_connection(
            lambda: Choice(changed, kept=self._kept),
            address,
            origin.port,
            ssl=self._tls if secure else None,
            server_hostname=origin.host if secure else None,
        )
        try:
            await self._greet(chosen, secure=secure)
        except BaseException:
            chosen.connection.close()
            raise
        return chosen.connection

    async def _greet(self, chosen: "Choice", *, secure: bool) -> None:
        """Until it can be used. Raise `NotTaken` or `OSError` if that will never be."""
        if secure and chosen.protocol not in self._protocols:
            raise NotTaken(f"the server does not speak {self._protocols[0]}")
        await chosen.connection.ready.wait()
        if not chosen.connection.usable:
            raise ConnectionAbortedError


class Choice(asyncio.Protocol):
    """Hands its transport to the protocol that was agreed upon."""

    connection: Http1Connection | Http2Connection
    protocol: str

    def __init__(self, changed: Callable[[], None], *, kept: bool) -> None:
        self._changed, self._kept = changed, kept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        secure: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self.protocol = (secure.selected_alpn_protocol() if secure else None) or "http/1.1"
        if self.protocol == "h2":
            self.connection = Http2Connection(self._changed, kept=self._kept)
        else:
            self.connection = Http1Connection(self._changed)
        cast("asyncio.Transport", transport).set_protocol(self.connection)
        self.connection.connection_made(transport)
