"""The operator's commands, as an operator runs them beside a running system."""

import io
import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import pytest
from running import PARLEY, Up, free_port, parley, running, token

from parley_cli.datadir import DataDir
from parley_cli.progress import SECONDS, Progress


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("operated")) as up, up.client(token(up.data)) as client:
        for number in range(20):
            client.post(f"/v1/rooms/room-{number % 2}/comments", json={"body": "hello"}).raise_for_status()
        yield up


def operate(up: Up, *arguments: str) -> tuple[int, str]:
    return parley(*arguments, "--data-dir", str(up.data))


async def execute(up: Up, statement: str) -> None:
    """As somebody with the database's password."""
    port = json.loads((up.data / "ports.json").read_text())["postgres"]
    password = (up.data / "secrets/postgres-password").read_text()
    connection = await asyncpg.connect(f"postgresql://postgres:{password}@127.0.0.1:{port}/parley")
    await connection.execute(statement)
    await connection.close()


def test_a_system_that_is_well_is_said_to_be(up: Up) -> None:
    status, output = operate(up, "log", "verify")
    assert status == 0
    assert output.splitlines()[-1] == "ok: 20 events in 2 rooms, 20 in the stream"


async def test_what_is_wrong_with_the_projections_is_said_and_mended(up: Up) -> None:
    await execute(up, 'delete from comments.comments where room = 1 and "offset" = 3')
    await execute(up, "update comments.comments set body = e'\\x1b[31mred' where room = 1 and \"offset\" = 4")
    status, output = operate(up, "log", "verify")
    assert status == 1
    assert "projections: room room-0, offset 3, the comment" in output
    assert r"projections: room room-0, offset 4, body is '\x1b[31mred', the log says 'hello'" in output
    assert output.splitlines()[-2:] == [
        "not ok: 3 findings among 20 events in 2 rooms, 20 in the stream",
        "to mend it: parley projections rebuild",
    ]
    status, output = operate(up, "projections", "rebuild", "--room", "room-0")
    assert status == 0
    assert output.splitlines()[-1] == "done: 10 events in 1 room folded, 2 rows changed: 2 comments"
    status, output = operate(up, "projections", "rebuild")
    assert output.splitlines()[-1] == "ok: 20 events in 2 rooms folded, nothing to change"


async def test_only_as_many_findings_are_shown_as_were_asked_for(up: Up) -> None:
    await execute(up, "update comments.comments set body = 'x'")
    status, output = operate(up, "log", "verify", "--most", "2")
    assert (status, output.count("projections: ")) == (1, 2)
    assert "… and 18 more: --most 20 shows them all" in output
    status, output = operate(up, "log", "verify", "--most", "2", "--json")
    found = json.loads(output[output.index("{\n") :])
    assert (status, found["ok"], found["count"], len(found["findings"])) == (1, False, 20, 2)
    assert found["findings"][0]["room"] == "room-0"
    assert found["mend"] == ["parley projections rebuild"]
    assert operate(up, "projections", "rebuild")[0] == 0


async def test_a_stream_that_was_deleted_is_said_to_be_and_filled_again(up: Up) -> None:
    """The system fills it by itself when it notices; the command does not wait for that."""
    ports = json.loads((up.data / "ports.json").read_text())
    password = (up.data / "secrets/nats-password").read_text()
    connection = await nats.connect(f"nats://parley:{password}@127.0.0.1:{ports['nats']}")
    await connection.jetstream().delete_stream("EVENTS")
    await connection.close()
    status, output = operate(up, "stream", "rebuild")
    assert status == 0, output
    status, output = operate(up, "stream", "rebuild", "--afresh", "--yes")
    assert status == 0, output
    status, output = operate(up, "log", "verify")
    assert status == 0, output


def test_a_new_epoch_is_begun_only_for_somebody_who_means_it(up: Up) -> None:
    status, output = operate(up, "log", "restored")
    assert status == 1
    assert "The log has 20 events in 2 rooms; the last one is of " in output
    assert "pass --yes if you mean it" in output
    assert answered(up, "log", "restored", answer="n\n") == 1
    before = epoch(up)
    status, output = operate(up, "log", "restored", "--yes")
    assert status == 0, output
    assert f"The epoch was {before} and is {epoch(up)}." in output
    assert epoch(up) != before


def epoch(up: Up) -> str:
    with up.client(token(up.data)) as client:
        return str(client.get("/v1/rooms/room-0").json()["epoch"])


def answered(up: Up, *arguments: str, answer: str) -> int:
    """The status of a command that asks somebody at a terminal."""
    here, there = pty.openpty()
    os.write(here, answer.encode())
    with os.fdopen(there, "r+b", buffering=0) as terminal:
        command: list[str | Path] = [PARLEY, *arguments, "--data-dir", str(up.data)]
        done = subprocess.run(command, stdin=terminal, capture_output=True, timeout=60)
    os.close(here)
    return done.returncode


# Where nothing can be looked at


def test_a_directory_without_a_system_is_one_clear_line(tmp_path: Path) -> None:
    status, output = parley("log", "verify", "--data-dir", str(tmp_path))
    assert status == 2
    assert f"{tmp_path} is no data directory of `parley up`" in output
    assert "PARLEY_DATABASE_URL" in output
    assert len(output.splitlines()) == 1


def test_a_system_that_does_not_run_is_one_clear_line(tmp_path: Path) -> None:
    with DataDir(tmp_path) as datadir:
        for server, secret in (("postgres", "postgres-password"), ("nats", "nats-password")):
            datadir.port(server)
            datadir.secret(secret)
    for command in (["log", "restored", "--yes"], ["stream", "rebuild"]):
        status, output = parley(*command, "--data-dir", str(tmp_path))
        assert status == 2
        assert f"start it with `parley up --data-dir {tmp_path}`" in output
        assert len(output.splitlines()) == 1


def test_a_given_database_without_a_log_is_one_clear_line(database_url: str, nats_url: str) -> None:
    given = {"PARLEY_DATABASE_URL": database_url, "PARLEY_NATS_URL": nats_url}
    status, output = parley("log", "verify", **given)
    assert (status, output) == (2, "parley: the database has no log yet: start Parley on it once\n")


def test_a_nats_that_is_away_is_one_clear_line(database_url: str) -> None:
    away = f"nats://127.0.0.1:{free_port()}"
    status, output = parley("log", "verify", PARLEY_DATABASE_URL=database_url, PARLEY_NATS_URL=away)
    assert status == 2
    assert "look at PARLEY_DATABASE_URL and PARLEY_NATS_URL" in output
    assert len(output.splitlines()) == 1


def test_a_room_that_is_not_there_is_said(up: Up) -> None:
    status, output = operate(up, "projections", "rebuild", "--room", "nowhere")
    assert (status, output) == (1, "parley: the log has no room nowhere\n")


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar() -> None:
    stream = Terminal()
    progress = Progress(stream)
    progress("reading", 1, 4)
    progress("reading", 4, 4)
    progress("folding", 2, 2)
    progress.close()
    assert "reading  [" in stream.getvalue()
    assert "] 4/4" in " ".join(stream.getvalue().split())
    assert "folding" in stream.getvalue()


def test_elsewhere_a_line_says_how_far_it_is_now_and_then() -> None:
    now = [0.0]
    stream = io.StringIO()
    progress = Progress(stream, lambda: now[0])
    for done in range(31):
        progress("reading", done, 30)
        now[0] += SECONDS / 10
    progress.close()
    said = ["10 of 30", "20 of 30", "30 of 30"]
    assert stream.getvalue().splitlines() == [f"reading: {each} events" for each in said]


def test_nothing_to_do_is_nothing_to_say() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress("reading", 0, 0)
    progress.close()
    assert stream.getvalue() == ""
