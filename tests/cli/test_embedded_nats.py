import asyncio
import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from servers import OwnNats

from parley_cli import embedded
from parley_cli.datadir import DataDir


@pytest.fixture
def datadir(tmp_path: Path) -> Iterator[DataDir]:
    with DataDir(tmp_path / 'it\'s "my" $HOME für 聊天 {x}') as datadir:
        yield datadir


async def kept(url: str, subject: str) -> int:
    """How many messages a stream on that subject keeps, one more each time."""
    async with await nats.connect(url, allow_reconnect=False) as connection:
        stream = connection.jetstream()
        await stream.add_stream(name="KEPT", subjects=[subject])
        return (await stream.publish(subject, b"x")).seq


async def answer(port: int, connect: dict[str, object]) -> bytes:
    """What the server says to the first frame of a client (docs.nats.io, client protocol)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(f"CONNECT {json.dumps(connect)}\r\nPING\r\n".encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line


async def test_a_stream_outlives_a_stop_and_a_crash(own_nats: OwnNats) -> None:
    url = own_nats.url
    assert await kept(url, "kept") == 1
    await own_nats.stop()
    await own_nats.start()
    assert await kept(url, "kept") == 2
    await own_nats.kill()
    await own_nats.start()
    assert await kept(url, "kept") == 3


async def test_it_says_what_it_does(datadir: DataDir) -> None:
    lines: list[str] = []
    async with embedded.nats(datadir, progress=lines.append):
        pass
    assert [line.split(" in ")[0] for line in lines] == ["nats: ready"]


async def test_a_taken_port_is_not_in_the_way(datadir: DataDir) -> None:
    with socket.create_server(("127.0.0.1", datadir.port("nats"))) as other:
        async with embedded.nats(datadir) as server:
            assert server.port != other.getsockname()[1]


async def test_its_password_is_in_a_file_of_its_owner_and_on_no_command_line(datadir: DataDir) -> None:
    async with embedded.nats(datadir) as server:
        config = datadir.path / "nats" / "nats.conf"
        assert server.password in config.read_text()
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text()
        assert server.password not in repr(server)


async def test_only_the_kept_password_lets_in(nats_server: embedded.Nats) -> None:
    refused = b"-ERR 'Authorization Violation'\r\n"
    kept = {"user": nats_server.user, "pass": nats_server.password, "verbose": False}
    assert await answer(nats_server.port, kept) == b"PONG\r\n"
    assert await answer(nats_server.port, {**kept, "pass": "wrong"}) == refused
    assert await answer(nats_server.port, {"verbose": False}) == refused


async def test_it_takes_a_message_of_a_mebibyte_and_no_larger(nats_url: str) -> None:
    async with await nats.connect(nats_url) as connection:
        assert connection.max_payload == 1 << 20


async def test_it_listens_on_the_loopback_address_only(nats_server: embedded.Nats) -> None:
    listening = [line.split() for line in Path(f"/proc/{nats_server.pid}/net/tcp").read_text().splitlines()]
    port = f"{nats_server.port:04X}"
    assert [fields[1] for fields in listening if fields[1].endswith(f":{port}") and fields[3] == "0A"] == [
        f"0100007F:{port}"
    ]
