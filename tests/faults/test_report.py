"""The tables of a verdict, for a terminal and for a page."""

import random

from faults import log_alterations
from faults.checker import Verdict, judge
from faults.findings import Kind
from faults.histories import history
from faults.history import Streamed
from faults.page import Page
from faults.report import EXAMPLES, Table, markdown, text

TABLE = Table(["what", "count"], [["apples", "1"], ["pears in a tree", "1,200"]])


def altered() -> Verdict:
    page = Page(history(7), random.Random(7))
    return judge(log_alterations.acknowledge_what_was_never_logged(page).entries)


def test_a_table_is_aligned() -> None:
    assert TABLE.text().splitlines() == [
        "what             count",
        "---------------  -----",
        "apples               1",
        "pears in a tree  1,200",
    ]


def test_a_table_is_a_table_of_markdown() -> None:
    assert TABLE.markdown().splitlines() == [
        "| what | count |",
        "| --- | ---: |",
        "| apples | 1 |",
        "| pears in a tree | 1,200 |",
    ]


def test_a_sound_run_is_said_to_be_sound() -> None:
    verdict = judge(history(7))
    first, *_ = text(verdict).splitlines()
    assert first.startswith("Variant made up, seed 7, ")
    assert first.endswith("minutes; nothing wrong.")
    assert "| acknowledged comments lost | 0 |" in markdown(verdict)


def test_every_way_to_be_wrong_has_a_row() -> None:
    page = markdown(judge(history(7)))
    assert [kind for kind in Kind if f"| {kind} | 0 |" not in page] == []


def test_what_is_wrong_is_counted_and_shown() -> None:
    lines = text(altered()).splitlines()
    assert lines[0].endswith("; 1 wrong.")
    assert lines[-1].startswith("acknowledged comments lost: room room-")
    assert "| acknowledged comments lost | 1 |" in markdown(altered())


def test_only_some_of_many_findings_are_shown() -> None:
    entries = history(7)
    again = [each for each in entries if isinstance(each, Streamed)]
    lines = text(judge([*entries, *again])).splitlines()
    shown = [line for line in lines if line.startswith(f"{Kind.STREAMED_TWICE}: ")]
    assert len(shown) == EXAMPLES
    assert lines[-1] == f"… and {len(again) - EXAMPLES} more"


def test_a_run_that_was_broken_off_is_said_to_be_so() -> None:
    assert text(judge([])).splitlines()[0] == "nothing wrong; broken off before its end."
