"""The port."""

import asyncio
import errno
import math
import os
import socket
import time
from typing import Any

import structlog

from chassis.loops import files

BACKLOG = 4096
"""Connections that may wait to be accepted: a whole room reconnects at once."""


SAY_AGAIN = 10
"""Seconds between two log lines about clients that were turned away."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = structlog.get_logger("chassis.listening")


class PortTaken(OSError):
    """Another program listens on the port."""


class Listener(socket.socket):
    """Turns clients away while no more files may be open: waiting, they would wake the process without end.

    It keeps a file for that. (aiofastnet 1.2 means to pause then, but calls a method that is not there.)
    """

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        super().__init__(family, kind, protocol)
        self._spare = _spare()
        self._turned_away = 0
        self._said = -math.inf

    def accept(self) -> tuple[socket.socket, Any]:
        """Raise `ConnectionAbortedError` for a client that was turned away."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            self._turn_away()
            raise ConnectionAbortedError(error.errno, "no more files may be open") from error

    def close(self) -> None:
        super().close()
        self._let_go()

    def _turn_away(self) -> None:
        """Raise `BlockingIOError` if nobody is there: Linux looks for a free file first."""
        self._let_go()
        try:
            super().accept()[0].close()
        finally:
            self._spare = _spare()
        self._say()

    def _say(self) -> None:
        self._turned_away += 1
        now = time.monotonic()
        if now - self._said > SAY_AGAIN:
            log.warning("listening.out_of_files", turned_away=self._turned_away, files=files())
            self._said = now

    def _let_go(self) -> None:
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1


def _spare() -> int:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:  # another thread was quicker
        return -1


async def bind(host: str, port: int) -> socket.socket:
    """A bound socket, or `PortTaken`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, where = found[0]
    listener = Listener(family, kind, protocol)
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
