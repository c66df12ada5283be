import os
import socket
import stat
from pathlib import Path

import pytest

from parley_cli.datadir import PORTS, DataDir, DataDirError, InUse, OddPath, Unwritable


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def test_it_is_made_with_its_parents_for_its_owner_only(tmp_path: Path) -> None:
    with DataDir(tmp_path / "share" / "parley") as datadir:
        assert mode(datadir.path) == 0o700


def test_a_directory_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with DataDir(tmp_path):
        assert mode(tmp_path) == 0o755


def test_a_second_one_on_the_same_directory_is_refused_with_the_process_named(tmp_path: Path) -> None:
    with DataDir(tmp_path), pytest.raises(InUse, match=rf"in use by process {os.getpid()}$"):
        DataDir(tmp_path)


def test_a_closed_one_can_be_opened_again(tmp_path: Path) -> None:
    datadir = DataDir(tmp_path)
    secret = datadir.secret("kept")
    datadir.close()
    datadir.close()
    with DataDir(tmp_path) as again:
        assert again.secret("kept") == secret


def test_a_secret_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    with DataDir(tmp_path) as datadir:
        first = datadir.secret("jwt-secret")
        assert datadir.secret("postgres-password") != first
    with DataDir(tmp_path) as datadir:
        assert datadir.secret("jwt-secret") == first
    assert len(first) == 43
    assert mode(tmp_path / "secrets") == 0o700
    assert mode(tmp_path / "secrets" / "jwt-secret") == 0o600


@pytest.mark.parametrize("name", ["", "../lock", ".new", "Name", "a" * 64])
def test_a_name_that_is_no_plain_word_names_no_secret(tmp_path: Path, name: str) -> None:
    with DataDir(tmp_path) as datadir, pytest.raises(ValueError, match="not a name"):
        datadir.secret(name)


def test_a_file_half_written_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with DataDir(tmp_path) as datadir:
        (datadir.directory("secrets") / ".jwt-secret.new").write_text("half")
        assert len(datadir.secret("jwt-secret")) == 43
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["jwt-secret"]


def test_ports_are_kept_apart_and_for_the_next_start(tmp_path: Path) -> None:
    with DataDir(tmp_path) as datadir:
        ports = datadir.port("postgres"), datadir.port("nats")
    with DataDir(tmp_path) as datadir:
        assert (datadir.port("postgres"), datadir.port("nats")) == ports
    assert ports[0] != ports[1]
    assert all(port in PORTS for port in ports)


def test_a_kept_port_that_something_else_took_is_chosen_anew(tmp_path: Path) -> None:
    with DataDir(tmp_path) as datadir:
        kept = datadir.port("nats")
        with listen(kept):
            other = datadir.port("nats")
        assert other != kept
        assert datadir.port("nats") == other


@pytest.mark.parametrize("text", ["", "[]", '{"nats": "x"}', '{"nats": 22}', "{"])
def test_ports_that_make_no_sense_are_chosen_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    with DataDir(tmp_path) as datadir:
        assert datadir.port("nats") in PORTS


@pytest.mark.parametrize("name", ["new\nline", "bell\a", "\udcff", "long" * 300])
def test_a_path_that_servers_cannot_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OddPath, match=r"^[^\n]+$"):
        DataDir(tmp_path / name)


def test_a_path_with_blanks_quotes_and_letters_of_the_world_is_fine(tmp_path: Path) -> None:
    path = tmp_path / 'it\'s "my" $HOME für 聊天 {x}'
    with DataDir(path) as datadir:
        assert datadir.path == path
    assert path.is_dir()


def test_a_file_in_its_place_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Unwritable, match=f"^data directory {path}: [^\n]+$"):
            DataDir(path)


def test_a_file_system_that_takes_no_files_is_one_clear_line() -> None:
    with pytest.raises(Unwritable, match=r"^data directory /proc/parley: [^\n]+$"):
        DataDir(Path("/proc/parley"))


def test_every_error_is_a_data_dir_error() -> None:
    assert all(issubclass(error, DataDirError) for error in (InUse, OddPath, Unwritable))
