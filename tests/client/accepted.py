"""A WebSocket that a server of the tests has accepted."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol


@dataclass(eq=False)
class Socket:
    """websockets' own sans-I/O protocol on an asyncio stream."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: ServerProtocol
    rooms: set[str] = field(default_factory=set)

    def send(self, **frame: Any) -> None:
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(json.dumps(frame).encode())
            self.flush()

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data and not self.writer.is_closing():
                self.writer.write(data)

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        while not self.protocol.close_expected() and (data := await self.reader.read(65536)):
            self.protocol.receive_data(data)
            for frame in self.protocol.events_received():
                if isinstance(frame, Frame) and frame.opcode is Opcode.TEXT:
                    yield json.loads(bytes(frame.data))
            self.flush()
