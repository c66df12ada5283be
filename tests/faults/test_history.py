"""A record on disk says what was noted."""

import json
from pathlib import Path

import pytest
from faults.checker import judge
from faults.histories import history
from faults.history import Attempt, Left, Record, Recorder, decode, digest


def test_what_was_noted_is_read_again_in_its_order(tmp_path: Path) -> None:
    entries = history(7)
    with Recorder(tmp_path / "record") as recorder:
        recorder.note(*entries)
    record = Record(tmp_path / "record")
    assert list(record) == entries
    assert judge(record) == judge(entries)


def test_several_recorders_add_to_one_file(tmp_path: Path) -> None:
    with Recorder(tmp_path / "record") as one, Recorder(tmp_path / "record") as other:
        one.note(Left("a", "lobby", 1.0))
        other.note(Left("b", "lobby", 2.0))
        one.note(Left("c", "lobby", 3.0))
    assert [each[0] for each in Record(tmp_path / "record")] == ["a", "b", "c"]


def test_a_line_that_was_never_finished_is_left_out(tmp_path: Path) -> None:
    with Recorder(tmp_path / "record") as recorder:
        recorder.note(Attempt("k", "lobby", 1.0), Attempt("l", "lobby", 2.0))
    text = (tmp_path / "record").read_text()
    (tmp_path / "record").write_text(text[:-5])
    assert list(Record(tmp_path / "record")) == [Attempt("k", "lobby", 1.0)]


@pytest.mark.parametrize("line", ["", "5", "[]", "{}", '["Rumour", 1]', '["Attempt", "k"]', '["Attempt'])
def test_a_line_that_is_no_entry_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        decode(line)


def test_a_digest_differs_with_a_single_byte() -> None:
    event = json.dumps({"offset": 1}).encode()
    assert digest(event) == digest(bytes(event))
    assert digest(event) != digest(event.replace(b"1", b"2"))
