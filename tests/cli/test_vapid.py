"""`parley vapid`, as somebody runs it who wants to send Web Push."""

import stat
from pathlib import Path

import pytest
from running import parley, start

from notifier.vapid import Key


def test_a_new_key_is_printed_so_that_it_can_be_put_into_a_file() -> None:
    status, output = parley("vapid")
    pem, _, public = output.partition("public key: ")
    assert status == 0
    assert Key.load(pem.encode()).public == public.strip()


def test_a_file_that_does_not_exist_gets_a_key_that_nobody_else_can_read(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    assert parley("vapid", "--key-file", str(file)) == (0, Key.load(file.read_bytes()).public + "\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    file, key = tmp_path / "key.pem", Key.new()
    file.write_bytes(key.pem)
    assert parley("vapid", "--key-file", str(file)) == (0, key.public + "\n")
    assert file.read_bytes() == key.pem


def test_a_file_with_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "diary.txt"
    file.write_text("dear diary")
    status, output = parley("vapid", "--key-file", str(file))
    assert (status, file.read_text()) == (1, "dear diary")
    assert output == f"parley: {file} is not a private key of P-256 as PEM; it is left as it is\n"


@pytest.mark.parametrize("name", ["nowhere/key.pem", "."])
def test_where_no_file_can_be_it_says_so_in_one_line(tmp_path: Path, name: str) -> None:
    status, output = parley("vapid", "--key-file", str(tmp_path / name))
    assert status == 1
    assert output.startswith("parley: ")
    assert output.count("\n") == 1


def test_other_commands_do_not_load_cryptography() -> None:
    process = start("--help", PYTHONPROFILEIMPORTTIME="1")
    output, _ = process.communicate(timeout=60)
    assert "import time:" in output
    assert "cryptography" not in output
