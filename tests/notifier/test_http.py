"""Services that speak HTTP in ways of their own, or no HTTP at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from certificates import Authority
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from notifier.channels import Channels
from notifier.dialling import Dialling
from notifier.endpoints import Origin
from notifier.wire import MAX_ANSWER, NoAnswer, NotTaken, Request, Response

AMPLE = 30.0
"""Seconds, where none is to run out."""
REQUEST = Request("127.0.0.1", "/1", {}, b"x" * 100)
CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class Raw(asyncio.Protocol):
    """Says `answer` when it was asked something, and closes."""

    def __init__(self, answer: bytes, *, closes: bool) -> None:
        self.answer, self.closes = answer, closes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"x"):
            self.transport.write(self.answer)  # type: ignore[attr-defined]
            if self.closes:
                self.transport.close()


class Multiplexed(asyncio.Protocol):
    """Does with each request what `act` says; says nothing at first if it is `mute`."""

    def __init__(
        self, act: Callable[[H2Connection, int], None], settings: dict[SettingCodes | int, int]
    ) -> None:
        self.act = act
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.initiate_connection()
        self.h2.update_settings(settings)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, StreamEnded) or (
                isinstance(event, RequestReceived) and not event.stream_ended
            ):
                self.hear(event)
        self.flush()

    def hear(self, event: StreamEnded | RequestReceived) -> None:
        if isinstance(event, StreamEnded) and event.stream_id is not None:
            self.act(self.h2, event.stream_id)

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())  # type: ignore[attr-defined]


@asynccontextmanager
async def serving(
    protocol: Callable[[], asyncio.Protocol], authority: Authority | None = None
) -> AsyncIterator[tuple[Channels, Origin]]:
    tls = authority.server_context(protocols=["h2"]) if authority else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    trusted = authority.client_context() if authority else ssl.create_default_context()
    channels = Channels(Dialling(trusted, private=True).dial, patience=AMPLE)
    try:
        yield channels, Origin("https" if tls else "http", "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        await channels.close()
        server.close()


async def asked(
    answer: bytes, *, closes: bool = True, requests: int = 1, within: float = AMPLE
) -> list[Response | BaseException]:
    """Over HTTP/1.1, one after the other."""
    async with serving(lambda: Raw(answer, closes=closes)) as (channels, origin):
        found: list[Response | BaseException] = []
        for _ in range(requests):
            asking = channels.ask(origin, REQUEST, within=within)
            found += await asyncio.gather(asking, return_exceptions=True)
        return found


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(CREATED, id="plain"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n" + CREATED, id="after a hint"),
        pytest.param(b"HTTP/1.0 201 Created\r\n\r\nuntil the end", id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nabc", id="cut after the status"),
        pytest.param(
            b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", id="chunked"
        ),
    ],
)
async def test_a_status_is_an_answer(answer: bytes) -> None:
    (response,) = await asked(answer)
    assert isinstance(response, Response)
    assert response.status == 201


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"220 smtp.example.com ESMTP\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 2", id="half a status"),
        pytest.param(b"HTTP/1.1 201 Created\r\n" + b"a: b\r\n" * 20_000, id="a head without end"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", id="another protocol offered"
        ),
    ],
)
async def test_what_is_no_answer_leaves_unknown_what_became_of_it(answer: bytes) -> None:
    (error,) = await asked(answer)
    assert isinstance(error, NoAnswer)


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next() -> None:
    gone = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
    responses = await asked(CREATED + gone, closes=False, requests=3)
    assert [response.status for response in responses if isinstance(response, Response)] == [201] * 3


async def talked(
    authority: Authority,
    act: Callable[[H2Connection, int], None],
    settings: dict[SettingCodes | int, int] | None = None,
    within: float = AMPLE,
) -> Response:
    """Over HTTP/2."""
    async with serving(lambda: Multiplexed(act, settings or {}), authority) as (channels, origin):
        return await channels.ask(origin, REQUEST, within=within)


def early(h2: H2Connection, stream: int) -> None:
    """A complete answer, and that no more is wanted (RFC 9113, section 8.1)."""
    h2.send_headers(stream, [(":status", "413")])
    h2.reset_stream(stream, ErrorCodes.NO_ERROR)


def hinted(h2: H2Connection, stream: int) -> None:
    h2.send_headers(stream, [(":status", "103")])
    h2.send_headers(stream, [(":status", "201"), ("location", "/m")])
    h2.send_data(stream, b"", end_stream=True)


def large(h2: H2Connection, stream: int) -> None:
    h2.send_headers(stream, [(":status", "400")])
    for _ in range(3):
        h2.send_data(stream, b"y" * 16_000)


def silent(_h2: H2Connection, _stream: int) -> None:
    pass


def ended(h2: H2Connection, _stream: int) -> None:
    """GOAWAY for an error: of what was begun it does not say what became."""
    h2.close_connection(ErrorCodes.INTERNAL_ERROR)


async def test_an_answer_before_all_was_read_is_an_answer(authority: Authority) -> None:
    assert (await talked(authority, early)).status == 413


class Early(asyncio.Protocol):
    """Answers on the head alone, as one whose mind is made up, and has room for 10 bytes of a body.

    It answers and opens the window in one write, and where it is `curt` it resets the stream in that, too.
    """

    MOST = 3
    """Streams at once."""

    def __init__(self, made: list["Early"], *, curt: bool) -> None:
        made.append(self)
        self.curt = curt
        self.cancelled: list[int | None] = []
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.initiate_connection()
        self.h2.update_settings(
            {SettingCodes.INITIAL_WINDOW_SIZE: 10, SettingCodes.MAX_CONCURRENT_STREAMS: self.MOST}
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived) and event.stream_id is not None:
                self.answer(event.stream_id)
            elif isinstance(event, StreamReset) and event.error_code == ErrorCodes.CANCEL:
                self.cancelled.append(event.stream_id)
        self.flush()

    def answer(self, stream: int) -> None:
        if self.curt:
            self.h2.increment_flow_control_window(1_000)
            self.h2.increment_flow_control_window(1_000, stream)
        self.h2.send_headers(stream, [(":status", "429")], end_stream=True)
        if self.curt:
            self.h2.reset_stream(stream, ErrorCodes.NO_ERROR)

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())  # type: ignore[attr-defined]


@pytest.mark.parametrize("curt", [False, True], ids=["answered", "answered and reset"])
async def test_answers_before_all_was_sent_use_no_stream_up(authority: Authority, *, curt: bool) -> None:
    made: list[Early] = []
    requests = 2 * Early.MOST + 1
    async with serving(lambda: Early(made, curt=curt), authority) as (channels, origin):
        found = [(await channels.ask(origin, REQUEST, within=AMPLE)).status for _ in range(requests)]
    assert found == [429] * requests
    (connection,) = made
    begun = [] if curt else [2 * number + 1 for number in range(requests)]
    assert connection.cancelled[: requests - 1] == begun[:-1]  # the last one may be on its way


async def test_answers_before_all_was_sent_let_those_go_on_that_wait(authority: Authority) -> None:
    made: list[Early] = []
    async with serving(lambda: Early(made, curt=False), authority) as (channels, origin):
        asking = [channels.ask(origin, REQUEST, within=AMPLE) for _ in range(10 * Early.MOST)]
        assert {response.status for response in await asyncio.gather(*asking)} == {429}


async def test_a_request_that_cannot_be_written_is_refused_alone(authority: Authority) -> None:
    """It raises nothing, is surely not taken, and keeps no stream; the others are answered."""
    made: list[Multiplexed] = []

    def multiplexed() -> Multiplexed:
        made.append(Multiplexed(hinted, {}))
        return made[-1]

    impossible = replace(REQUEST, fields={"te": "gzip"})
    async with serving(multiplexed, authority) as (channels, origin):
        asking = [channels.ask(origin, one, within=AMPLE) for one in (REQUEST, impossible, REQUEST)]
        before, refused, after = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(refused, NotTaken)
        assert [one.status for one in (before, after) if isinstance(one, Response)] == [201, 201]
        assert (await channels.ask(origin, REQUEST, within=AMPLE)).status == 201
        assert channels.open == 1
    assert len(made) == 2


async def test_hints_before_an_answer_are_passed_over(authority: Authority) -> None:
    response = await talked(authority, hinted)
    assert (response.status, response.fields["location"]) == (201, "/m")


async def test_of_a_large_answer_the_beginning_is_kept(authority: Authority) -> None:
    response = await talked(authority, large)
    assert (response.status, len(response.body)) == (400, MAX_ANSWER)


async def test_who_takes_no_requests_is_sent_none(authority: Authority) -> None:
    with pytest.raises(NotTaken):
        await talked(authority, hinted, {SettingCodes.MAX_CONCURRENT_STREAMS: 0}, within=0.2)


async def test_a_body_that_the_service_never_has_room_for_was_not_taken(authority: Authority) -> None:
    with pytest.raises(NotTaken):
        await talked(authority, hinted, {SettingCodes.INITIAL_WINDOW_SIZE: 10}, within=0.2)


async def test_a_request_that_is_not_answered_may_have_been_taken(authority: Authority) -> None:
    with pytest.raises(NoAnswer):
        await talked(authority, silent, within=0.2)


async def test_who_speaks_another_protocol_than_agreed_upon_is_sent_nothing(authority: Authority) -> None:
    greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(20)

    class Greeting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.write(greeting)  # type: ignore[attr-defined]

    async with serving(Greeting, authority) as (channels, origin):
        with pytest.raises(NotTaken):
            await channels.ask(origin, REQUEST, within=AMPLE)
