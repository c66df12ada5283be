"""The checker passes what a sound system leaves on record, and finds whatever is wrong, where it is."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from faults import client_alterations, log_alterations
from faults.checker import judge
from faults.findings import Finding, Kind
from faults.histories import history
from faults.history import (
    Acknowledged,
    Attempt,
    Ended,
    Failed,
    Fault,
    Logged,
    Lost,
    Seen,
    Streamed,
    Subscribed,
)
from faults.page import Altered, NowhereToAlter, Page
from hypothesis import assume, given, settings
from hypothesis import strategies as st

ALTERATIONS = [*client_alterations.ALTERATIONS, *log_alterations.ALTERATIONS]
SEEDS = st.integers(0, 2**32)


@settings(deadline=None)
@given(SEEDS)
def test_a_sound_history_is_found_sound(seed: int) -> None:
    verdict = judge(history(seed))
    assert verdict.findings == []
    assert verdict.sound


@pytest.mark.parametrize("alter", ALTERATIONS, ids=lambda alter: alter.__name__)
@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_an_alteration_in_one_place_is_found_there(alter: Callable[[Page], Altered], seed: int) -> None:
    page = Page(history(seed), random.Random(seed))
    try:
        altered = alter(page)
    except NowhereToAlter:
        assume(False)
    verdict = judge(altered.entries)
    assert altered.expected in [replace(finding, detail="") for finding in verdict.findings]
    assert {finding.kind for finding in verdict.findings} <= {altered.expected.kind} | altered.also


@settings(deadline=None)
@given(SEEDS)
def test_in_a_run_that_was_broken_off_nobody_has_to_have_seen_the_end(seed: int) -> None:
    try:
        altered = client_alterations.lose_the_end(Page(history(seed), random.Random(seed)))
    except NowhereToAlter:
        assume(False)
    entries = [each._replace(quiet=False) if isinstance(each, Ended) else each for each in altered.entries]
    verdict = judge(entries)
    assert verdict.findings == []
    assert not verdict.sound


@settings(deadline=None)
@given(SEEDS)
def test_a_run_without_an_end_is_not_sound(seed: int) -> None:
    assert not judge([each for each in history(seed) if not isinstance(each, Ended)]).sound


def test_nothing_that_counts_is_left_out_of_the_figures() -> None:
    entries = history(7)
    figures, kinds = judge(entries).figures, Counter(type(each) for each in entries)
    assert (figures.seen, figures.logged, figures.streamed) == (kinds[Seen], kinds[Logged], kinds[Streamed])
    assert (figures.faults, figures.cut, figures.failures) == (kinds[Fault], kinds[Lost], kinds[Failed])
    answers = Counter(
        (each.since is None, each.recovered) for each in entries if isinstance(each, Subscribed)
    )
    assert figures.joined == answers[True, False]
    assert (figures.resumed, figures.reset) == (answers[False, True], answers[False, False])
    assert figures.tried == len({each.key for each in entries if isinstance(each, Attempt)})
    assert figures.acknowledged == len({each.key for each in entries if isinstance(each, Acknowledged)})


def test_a_hole_counts_as_many_events_as_it_has() -> None:
    altered = client_alterations.lose_several_events(Page(history(7), random.Random(7)))
    assert judge(altered.entries).count(Kind.HOLE) == 2


def test_a_finding_says_where_it_is() -> None:
    finding = Finding(Kind.HOLE, "lobby", 5, 7, client="c1", connection=3)
    assert str(finding) == "holes in what a client saw: room lobby, offset 5-7, client c1, connection 3"
    finding = Finding(Kind.LOST, "lobby", 5, key="k", detail="comment c")
    assert str(finding) == "acknowledged comments lost: room lobby, offset 5, key k (comment c)"
