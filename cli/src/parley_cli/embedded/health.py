"""How the embedded NATS server is, as it says itself to a client of its system account (docs.nats.io)."""

import json
import logging
import shutil
from pathlib import Path

import nats as client

SYSTEM = "system"
"""User of the system account."""

SUBJECT = "$SYS.REQ.SERVER.PING.HEALTHZ"

ROOM = 16 << 20
"""Bytes free on the disk, without which starting the server again would only fail again."""

SECONDS = 2

log = logging.getLogger(__name__)


class Health:
    """Looks for what another start can mend.

    After an error of the disk, such as a full one, nats-server (2.14 and later) takes nothing more for the
    stream until it is started again, also when there is room (nats-io/nats-server, pull request 7788).
    """

    def __init__(self, home: Path, port: int, password: str) -> None:
        self._home = home
        self._port = port
        self._password = password
        self._waiting = False

    async def ailment(self) -> str | None:
        """Why the server has to be started again; `None` if it is well, or that would not help yet."""
        try:
            reason = await self._ask()
        except (OSError, client.errors.Error) as error:
            log.warning("nats does not say how it is: %s", str(error) or type(error).__name__)
            return None
        if "write error" not in reason:
            self._waiting = False
            return None
        if shutil.disk_usage(self._home).free >= ROOM:
            return f"nats has stopped a stream, for which there is room again: {reason}"
        if not self._waiting:
            log.error("nats has stopped a stream until there is room on the disk: %s", reason)
        self._waiting = True
        return None

    async def _ask(self) -> str:
        """What is wrong; nothing if all is well."""
        async with await client.connect(
            f"nats://127.0.0.1:{self._port}",
            user=SYSTEM,
            password=self._password,
            allow_reconnect=False,
            connect_timeout=SECONDS,
        ) as connection:
            answer = await connection.request(SUBJECT, b"{}", timeout=SECONDS)
        return str(json.loads(answer.data)["data"].get("error", ""))
