"""An EventSource as browsers have it, written after the standard (WHATWG HTML, section 9.2)."""

import codecs
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

import anyio
import httpx

_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Message:
    """What listeners for `type` get: a server's event, or the EventSource's own `open` or `error`."""

    type: str
    data: str
    id: str
    """The last event id, which the next connection would send."""


class Parser:
    """A stream's interpretation (section 9.2.6)."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: int | None = None
        """Milliseconds."""
        self.comments = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._begun = False
        self._id = last_id
        self._type = ""
        self._data = ""

    def feed(self, chunk: bytes) -> Iterator[Message]:
        self._text += self._decoder.decode(chunk)
        if self._text and not self._begun:
            self._begun = True
            self._text = self._text.removeprefix("\ufeff")
        while (line := self._next_line()) is not None:
            if line:
                self._field(line)
            elif (message := self._dispatch()) is not None:
                yield message

    def _next_line(self) -> str | None:
        end = _END.search(self._text)
        if end is None or self._text[end.start() :] == "\r":  # perhaps half of CR LF
            return None
        line, self._text = self._text[: end.start()], self._text[end.end() :]
        return line

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments += 1
        elif name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self) -> Message | None:
        self.last_id = self._id
        kind, data, self._type, self._data = self._type, self._data, "", ""
        return Message(kind or "message", data.removesuffix("\n"), self.last_id) if data else None


class EventSource:
    """Comes back after every loss with the last event id, until it is refused; nothing else is mended.

    `since` is only the URL's: the last event id, once there is one, is sent beside it.
    """

    def __init__(self, url: str, token: str, room: str, since: str | None = None) -> None:
        """`url` is the server's; a new one counts from the next connection on."""
        self.url = url
        self.token = token
        self.last_id = ""
        self.retry = 1000
        """Milliseconds until it comes back."""
        self.connections = 0
        self._path = f"/v1/rooms/{room}/events"
        self._since = since

    async def messages(self) -> AsyncGenerator[Message, None]:
        """What is dispatched; ends when the server refuses, after an `error` whose data is the status.

        Any other `error` says why a connection ended; it is opened again, which `open` says.
        """
        timeout = httpx.Timeout(10, read=None)
        async with httpx.AsyncClient(timeout=timeout, verify=False) as client:  # no certificates to load
            while True:
                self.connections += 1
                try:
                    async with client.stream(
                        "GET", self.url + self._path, params=self._query(), headers=self._headers()
                    ) as answer:
                        if answer.status_code != httpx.codes.OK:
                            yield Message("error", str(answer.status_code), self.last_id)
                            return
                        yield Message("open", "", self.last_id)
                        async for message in self._read(answer):
                            yield message
                    reason = "ended"
                except (httpx.TransportError, AttributeError) as error:  # anyio's, of a socket just reset
                    reason = type(error).__name__
                yield Message("error", reason, self.last_id)
                await anyio.sleep(self.retry / 1000)

    def _query(self) -> dict[str, str]:
        return {"token": self.token} | ({"since": self._since} if self._since else {})

    def _headers(self) -> dict[str, str]:
        resumed = {"Last-Event-ID": self.last_id} if self.last_id else {}
        return {"Accept": "text/event-stream", **resumed}

    async def _read(self, answer: httpx.Response) -> AsyncGenerator[Message, None]:
        parser = Parser(self.last_id)
        async for chunk in answer.aiter_raw():
            for message in parser.feed(chunk):
                self.last_id = message.id
                yield message
            self.last_id = parser.last_id
            self.retry = parser.retry if parser.retry is not None else self.retry
