"""`parley up` and the commands beside it, as a user runs them."""

import json
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from running import Up, free_port, gone, parley, running, start, token


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up")) as up:
        yield up


def test_it_says_each_step_then_where_to_go(up: Up) -> None:
    assert "postgres: ready" in up.output
    assert "nats: ready" in up.output
    assert f"Parley is ready: {up.url}/" in up.output


def test_a_comment_posted_by_the_printed_command_is_in_the_room(up: Up) -> None:
    status, output = parley("post", "chat-1", "Hello", "--url", up.url, "--data-dir", str(up.data))
    assert status == 0, output
    with up.client(token(up.data)) as client:
        [comment] = client.get("/v1/rooms/chat-1/comments").json()["comments"]
    assert comment["body"] == "Hello"
    assert output.split() == ["chat-1", str(comment["offset"]), comment["id"]]


def test_post_reads_standard_input_and_repeats_nothing_under_one_key(up: Up) -> None:
    first = parley("post", "chat-2", "once", "--key", "k1", "--url", up.url, "--data-dir", str(up.data))
    second = parley("post", "chat-2", "once", "--key", "k1", "--url", up.url, "--data-dir", str(up.data))
    assert first == second


def test_tail_prints_events_as_they_come_and_resumes(up: Up) -> None:
    with up.client(token(up.data)) as client:
        client.post("/v1/rooms/chat-3/comments", json={"body": "\x1b[31mred"}).raise_for_status()
        epoch = client.get("/v1/rooms/chat-3").json()["epoch"]
    process = start("tail", "chat-3", "--since", f"{epoch}:0", "--url", up.url, "--data-dir", str(up.data))
    assert process.stdout is not None
    assert "waiting for events" in process.stdout.readline()
    line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert "comment.posted" in line
    assert r"\x1b[31mred" in line
    assert process.returncode == 130


def test_doctor_finds_everything_well(up: Up) -> None:
    status, output = parley("doctor", "--url", up.url, "--data-dir", str(up.data))
    assert (status, output.count("FAIL")) == (0, 0), output


def test_the_page_has_a_strict_policy_and_tokens_only_for_itself(up: Up) -> None:
    page = httpx.get(f"{up.url}/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    session = httpx.get(f"{up.url}/demo/session", params={"user": "Ada"}).json()
    assert session["user"] == {"id": "ada", "name": "Ada Lovelace"}
    foreign = {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}, {"Origin": "https://evil.example"}
    for headers in foreign:
        assert httpx.get(f"{up.url}/demo/session?user=ada", headers=headers).status_code == 403


async def test_the_embedded_servers_let_nobody_in_without_their_secrets(up: Up) -> None:
    ports = json.loads((up.data / "ports.json").read_text())
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://postgres:wrong@127.0.0.1:{ports['postgres']}/parley")
    secrets = list((up.data / "secrets").iterdir())
    assert secrets
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}


def test_a_second_start_on_the_same_data_says_who_has_it(up: Up) -> None:
    status, output = parley("up", "--port", str(free_port()), "--data-dir", str(up.data))
    assert status == 1
    assert output.splitlines()[-1].endswith(f"in use by process {up.process.pid}")


def test_a_taken_port_is_one_clear_line(up: Up, tmp_path: Path) -> None:
    status, output = parley("up", "--port", str(up.port), "--data-dir", str(tmp_path))
    assert status == 1
    assert str(up.port) in output
    assert len(output.splitlines()) == 1


def test_an_unusable_data_directory_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    status, output = parley("up", "--port", str(free_port()), "--data-dir", str(file / "below"))
    assert status == 1
    assert len(output.splitlines()) == 1
    assert str(file) in output


def test_an_invalid_setting_is_named(tmp_path: Path) -> None:
    status, output = parley(
        "up", "--data-dir", str(tmp_path), PARLEY_BODY_LIMIT="many", PARLEY_JWT_SECRET="short"
    )
    assert status == 1
    assert "PARLEY_BODY_LIMIT" in output
    assert "PARLEY_JWT_SECRET" in output
    assert "short" not in output.replace("shorter", "")


def test_a_given_server_is_used_instead_of_the_embedded_one(
    up: Up, tmp_path: Path, database_url: str
) -> None:
    with running(tmp_path, PARLEY_DATABASE_URL=database_url) as other:
        assert "postgres" not in other.output.replace(database_url, "")
        assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_everything_in_order_and_leaves_no_orphan(tmp_path: Path, number: signal.Signals) -> None:
    up = Up(tmp_path)
    children = up.children()
    status, rest = up.end(number)
    assert len(children) >= 2
    assert status == 0, rest
    assert gone(children)
    assert "Traceback" not in rest


def test_what_was_written_survives_kill_9_and_the_next_start(tmp_path: Path) -> None:
    up = Up(tmp_path)
    children = up.children()
    with up.client(token(tmp_path)) as client:
        posted = client.post("/v1/rooms/chat-1/comments", json={"body": "kept"}).json()
    up.end(signal.SIGKILL)
    with running(tmp_path) as again, again.client(token(tmp_path)) as client:
        assert client.get("/v1/rooms/chat-1/comments").json()["comments"] == [posted]
    assert gone(children)


@pytest.mark.parametrize("name", ["postgres", "nats"])
def test_a_server_of_its_that_dies_is_started_again(tmp_path: Path, name: str) -> None:
    with running(tmp_path) as up, up.client(token(tmp_path)) as client:
        posted = client.post("/v1/rooms/chat-1/comments", json={"body": "kept"}).json()
        [before] = [child for child in up.children() if leads(child, name)]
        os.kill(before, signal.SIGKILL)
        assert gone([before])
        while client.get("/readyz").status_code != 200:
            time.sleep(0.05)
        [after] = [child for child in up.children() if leads(child, name)]
        assert client.get("/v1/rooms/chat-1/comments").json()["comments"] == [posted]
        status, rest = up.end()
    assert status == 0
    assert gone([after])
    assert f"{name} ended with signal 9" in rest
    assert f"{name} runs again" in rest
    assert "Traceback" not in rest


def leads(child: int, name: str) -> bool:
    """Whether it is the server itself, whose parent is `parley`, and not a process of the server's."""
    command = Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8").split("\0")
    return command[0].endswith((f"/{name}", f"/{name}-server"))


def test_a_token_says_what_was_asked(up: Up) -> None:
    status, output = parley("token", "--user", "u1", "--room", "chat-*", "--data-dir", str(up.data))
    assert status == 1
    assert "PATTERN=RIGHTS" in output


def test_a_command_without_a_secret_says_what_to_do(tmp_path: Path) -> None:
    status, output = parley("post", "chat-1", "x", "--data-dir", str(tmp_path))
    assert status == 1
    assert "PARLEY_JWT_SECRET" in output


def test_a_port_of_the_embedded_servers_that_is_taken_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path):
        before = json.loads((tmp_path / "ports.json").read_text())
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", before["nats"]))
        squatter.listen()
        with running(tmp_path):
            assert json.loads((tmp_path / "ports.json").read_text())["nats"] != before["nats"]


def test_the_schema_command_prints_both_documents() -> None:
    status, output = parley("schema")
    assert status == 0
    assert {"event.schema.json", "asyncapi.json"} <= set(output.split('"'))


@pytest.mark.parametrize(
    ("command", "said"),
    [(["post", "chat-1", "x"], "waiting for http"), (["tail", "chat-1"], "connection lost, trying again")],
)
def test_a_command_whose_server_is_away_says_what_it_waits_for(command: list[str], said: str) -> None:
    process = start(*command, "--url", f"http://127.0.0.1:{free_port()}", "--token", "any")
    assert process.stdout is not None
    assert any(said in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
