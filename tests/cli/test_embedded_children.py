import asyncio
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import asyncpg
import pytest
from servers import owner

from parley_cli import embedded
from parley_cli.datadir import DataDir
from parley_cli.embedded.orphans import Record, started, stop_strays, works
from parley_cli.embedded.privileges import account

Serve = Callable[..., AbstractAsyncContextManager[embedded.Server]]

STOP = ((signal.SIGTERM, 10.0),)


@pytest.fixture
def datadir(tmp_path: Path) -> Iterator[DataDir]:
    with DataDir(tmp_path / "data") as datadir:
        yield datadir


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def family(*pids: int) -> list[int]:
    """Handles on processes and those that they have started."""
    children = " ".join(Path(f"/proc/{pid}/task/{pid}/children").read_text() for pid in pids)
    return [os.pidfd_open(pid) for pid in (*pids, *map(int, children.split()))]


def ended(handles: list[int]) -> bool:
    """Whether all end, at most 30 seconds from now."""
    for handle in handles:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(30_000):
            return False
        os.close(handle)
    return True


async def running_statement(url: str) -> None:
    """Wait until the server runs a statement of another connection."""
    connection = await asyncpg.connect(url)
    others = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    while not await connection.fetchval(others):
        pass
    connection.terminate()


async def test_both_servers_start_together_and_a_stop_leaves_no_process(datadir: DataDir) -> None:
    async with embedded.postgres(datadir) as postgres, embedded.nats(datadir) as nats:
        handles = family(postgres.pid, nats.pid)
        async with anyio.create_task_group() as group:
            group.start_soon(postgres.wait)
            group.start_soon(nats.wait)
            await postgres.stop()
            await nats.stop()
    assert ended(handles)
    assert list((datadir.path / "children").iterdir()) == []


async def test_a_cancelled_scope_still_stops_in_order(datadir: DataDir) -> None:
    with anyio.CancelScope() as scope:
        async with embedded.postgres(datadir) as postgres:
            handles = family(postgres.pid)
            scope.cancel()
            await anyio.sleep_forever()
    assert ended(handles)
    assert not (datadir.path / "postgres" / "data" / "postmaster.pid").exists()


async def test_a_waiter_that_is_cancelled_leaves_the_others_waiting(datadir: DataDir) -> None:
    async with embedded.nats(datadir) as nats:
        with anyio.move_on_after(0):
            await nats.wait()
        os.kill(nats.pid, signal.SIGKILL)
        with pytest.raises(embedded.Died, match=r"nats ended with signal 9(.|\n)*Server is ready"):
            await nats.wait()


async def test_ctrl_c_in_the_terminal_reaches_no_server(datadir: DataDir) -> None:
    async with embedded.nats(datadir) as nats:
        assert os.getsid(nats.pid) == nats.pid


async def test_kill_9_of_the_owner_leaves_no_orphan_and_the_next_start_recovers(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, servers):
        handles = family(servers["postgres"], servers["nats"])
        process.kill()
        await process.wait()
    assert ended(handles)
    async with owner(tmp_path) as (_, again):
        assert again["url"] == servers["url"]


async def test_the_owner_and_its_servers_end_when_asked(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, servers):
        handles = family(servers["postgres"], servers["nats"])
    assert process.returncode == 0
    assert ended(handles)


@pytest.mark.parametrize("server", [embedded.postgres, embedded.nats])
async def test_a_server_left_running_is_stopped_by_the_next_start(datadir: DataDir, server: Serve) -> None:
    lines: list[str] = []
    async with server(datadir) as orphan, server(datadir, progress=lines.append) as heir:
        with pytest.raises(embedded.Died):
            await orphan.wait()
        assert heir.pid != orphan.pid
    assert "stopped what an earlier start had left running" in lines[0]


async def test_a_process_recorded_with_its_start_is_ours(
    datadir: DataDir, sleeper: subprocess.Popen[bytes]
) -> None:
    record = Record(datadir, "sleeper")
    record.write(sleeper.pid)
    assert await record.stop_orphan(STOP)
    assert sleeper.wait() == -signal.SIGTERM


async def test_a_process_that_started_at_another_time_is_not_ours(
    datadir: DataDir, sleeper: subprocess.Popen[bytes]
) -> None:
    record = Record(datadir, "sleeper")
    record.write(sleeper.pid)
    file = datadir.path / "children" / "sleeper.json"
    file.write_text(file.read_text().replace(str(started(sleeper.pid)), "another boot 1"))
    assert not await record.stop_orphan(STOP)
    assert sleeper.poll() is None


async def test_a_process_that_is_gone_is_no_orphan(
    datadir: DataDir, sleeper: subprocess.Popen[bytes]
) -> None:
    record = Record(datadir, "sleeper")
    record.write(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert not await record.stop_orphan(STOP)


async def test_one_that_ignores_the_signal_is_killed(datadir: DataDir) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo ready; read forever"]
    with subprocess.Popen(deaf, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        record = Record(datadir, "deaf")
        record.write(process.pid)
        assert await record.stop_orphan([(signal.SIGTERM, 0.05)])
        assert process.wait() == -signal.SIGKILL


async def test_backends_that_outlive_their_server_do_not_bar_the_next_start(datadir: DataDir) -> None:
    lines: list[str] = []
    async with embedded.postgres(datadir) as server:
        connection = await asyncpg.connect(server.url())
        endless = asyncio.ensure_future(connection.execute("SELECT count(*) FROM generate_series(1, 1e12)"))
        await running_statement(server.url())
        os.kill(server.pid, signal.SIGKILL)
    async with embedded.postgres(datadir, progress=lines.append):
        with pytest.raises(asyncpg.PostgresError):
            await endless
    assert "stopped what an earlier start had left running" in lines[0]


async def test_a_server_that_somebody_else_started_on_the_cluster_is_left_alone(datadir: DataDir) -> None:
    async with embedded.postgres(datadir) as other:
        Record(datadir, "postgres").remove()
        with pytest.raises(
            embedded.Died, match=rf'lock file "postmaster.pid" already exists(.|\n)*PID {other.pid}'
        ):
            async with embedded.postgres(datadir):
                pass
        assert started(other.pid)


async def test_only_processes_of_the_program_in_the_directory_are_strays(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    program = Path(f"/proc/{sleeper.pid}/exe").readlink().name
    assert works(sleeper.pid, Path.cwd(), program)
    assert not await stop_strays(tmp_path, program)
    assert not await stop_strays(Path.cwd(), "another")
    assert sleeper.poll() is None


async def test_a_process_that_got_the_id_of_the_killed_server_does_not_bar_the_next_start(
    datadir: DataDir,
) -> None:
    async with embedded.postgres(datadir) as server:
        os.kill(server.pid, signal.SIGKILL)
    lock = datadir.path / "postgres" / "data" / "postmaster.pid"
    namesake = account(lock).launch(Path("/"), signal.SIGKILL, ["/bin/sh", "-c", "echo; read forever"])
    with subprocess.Popen(namesake, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        lock.write_text(lock.read_text().replace(str(server.pid), str(process.pid), 1))
        async with embedded.postgres(datadir):
            assert process.poll() is None
        process.kill()
