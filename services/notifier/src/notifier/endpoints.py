"""Where pushes may go: endpoints come from users, and the notifier's network is not theirs to ask.

An endpoint is read once, strictly, into parts; the connection is made from those parts, and to an address
that was looked at (`addresses.py`), so that nothing reads it another way later.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 2_000
"""Characters of an endpoint; those of browsers have some 150 to 600."""
PORTS: Final = {"https": 443, "http": 80}
"""Those that an origin does not name (RFC 6454, section 6.2)."""

_ENDPOINT: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[a-z0-9._~!$&'()*+,;=:@%/?-]*)?",
    re.IGNORECASE | re.ASCII,
)
"""What RFC 3986 allows of a URL, without credentials and fragment."""
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that makes of the whole an IPv4 address, however it is spelled (WHATWG URL, section 3.5)."""


class EndpointRefused(ValueError):
    """Pushes are not sent there; the message says why, and does not repeat the endpoint."""


@dataclass(frozen=True, slots=True)
class Origin:
    scheme: str
    host: str
    """In lower case, without brackets and without a dot at the end."""
    port: int

    def __str__(self) -> str:
        """As RFC 6454 serializes it."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    origin: Origin
    target: str
    """Path and query."""


def read(url: str) -> Endpoint:
    """Raise `EndpointRefused`."""
    if len(url) > MAX_LENGTH:
        raise EndpointRefused(f"longer than {MAX_LENGTH} characters")
    match = _ENDPOINT.fullmatch(url)
    if match is None:
        raise EndpointRefused("not a URL of a push service")
    scheme, host = match["scheme"].lower(), match["host"].lower()
    if scheme not in PORTS:
        raise EndpointRefused("not https")
    port = int(match["port"] or PORTS[scheme])
    if not 0 < port < 65536:
        raise EndpointRefused("no such port")
    return Endpoint(Origin(scheme, _host(host), port), match["target"] or "/")


def _host(host: str) -> str:
    if host.startswith("["):
        return _literal(host[1:-1])
    name = host.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _literal(name)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise EndpointRefused("not a host name")
    return name


def _literal(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise EndpointRefused("not a host name") from None


def is_literal(host: str) -> bool:
    """Whether it is an IP address."""
    return ":" in host or host.rpartition(".")[2].isdigit()


class Guard:
    """Which endpoints are taken."""

    def __init__(self, services: Iterable[str], *, private: bool = False) -> None:
        """`services` are host names; `*.` before one allows all below it, and `*` alone allows all.

        A name may be followed by `:` and a port; without it, only 443 is allowed. `private` allows any port,
        plain HTTP and IP addresses, also those of private networks. Raise `ValueError` if one is not a name.
        """
        self.private = private
        self._services = frozenset(_pattern(service) for service in services if service.strip())

    def check(self, url: str) -> Endpoint:
        """Raise `EndpointRefused`. What its name resolves to is looked at when a connection is made."""
        endpoint = read(url)
        origin = endpoint.origin
        if not self.private and origin.scheme != "https":
            raise EndpointRefused("not https")
        if not self.private and is_literal(origin.host):
            raise EndpointRefused("an IP address")
        if not any(self._allows(pattern, origin) for pattern in self._services):
            raise EndpointRefused("not a push service that this server sends to")
        return endpoint

    def _allows(self, pattern: tuple[str, int | None], origin: Origin) -> bool:
        name, port = pattern
        if not self.private and origin.port != (port or PORTS["https"]):
            return False
        if name.startswith("*"):
            return name == "*" or origin.host.endswith(name[1:])
        return origin.host == name


def _pattern(service: str) -> tuple[str, int | None]:
    name, _, port = service.strip().lower().partition(":")
    wild = "*." if name.startswith("*.") else ""
    bare = name.removeprefix(wild).removesuffix(".")
    if bare == "*" and not wild:
        return "*", int(port) if port else None
    return wild + _host(bare.encode("idna").decode()), int(port) if port else None
