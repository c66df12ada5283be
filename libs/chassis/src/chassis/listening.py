"""The port."""

import asyncio
import errno
import os
import socket

BACKLOG = 4096
"""Connections that may wait to be accepted: a whole room reconnects at once."""


class PortTaken(OSError):
    """Another program listens on the port."""


async def bind(host: str, port: int) -> socket.socket:
    """A bound socket, or `PortTaken`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, where = found[0]
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":  # elsewhere it would let two servers share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(BACKLOG)  # only now does Linux say that someone else listens
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(error.errno, f"port {port} on {host} is taken by another program") from None
        raise
    listener.setblocking(False)
    return listener


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
