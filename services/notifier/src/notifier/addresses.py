"""Which addresses a name may lead to: those of the public Internet, unless it is allowed otherwise."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from notifier.endpoints import EndpointRefused, Origin, is_literal

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port to addresses, best first. Raises `OSError`."""

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""IANA's special-purpose registry (RFC 6890), multicast, and the relays of 6to4."""
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that IANA has given out as global unicast; everything else is refused."""
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
"""Within it: protocols' own (Teredo among them), documentation, and 6to4, which embeds any IPv4 address."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""Networks without IPv4 reach the public one by it (RFC 6052): judged by the address that it embeds."""


def is_public(address: str) -> bool:
    """Whether it is an address of the public Internet."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_4(parsed)
    if parsed in _NAT64:
        return _is_public_4(IPv4Address(int(parsed) & 0xFFFFFFFF))
    return _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


async def addresses_of(origin: Origin, resolve: Resolve, *, private: bool) -> Sequence[str]:
    """All that the name resolves to now. Raise `EndpointRefused` if one of them is not public.

    Connect to one of these, and do not resolve again: the next answer may be another one.
    """
    if is_literal(origin.host):
        found: Sequence[str] = [origin.host]
    else:
        found = await resolve(origin.host, origin.port)
    if not found:
        raise OSError("the name has no address")
    if not private and not all(is_public(address) for address in found):
        raise EndpointRefused("leads into a network that is not public")
    return found


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """As this machine resolves names; in a thread."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
