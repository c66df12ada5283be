"""What becomes of a push after each kind of outcome."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.fates import LONGEST_PAUSE, fate_of, pause
from notifier.model import Reason
from notifier.outbox_rows import Claimed, Fate
from notifier.sender import Delivered, Gone, Rejected, Retry, Unknown

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(
    attempts: int = 1, *, unanswered: int = 0, unsure: bool = False, left: float = 3600, number: int = 7
) -> Claimed:
    return Claimed(
        id=number, kind="comment", room="a", offset=4, event=UUID(int=1), comment=UUID(int=2), user="u1",
        device="d1", platform="fcm", not_before=NOW, expires_at=NOW + timedelta(seconds=left),
        attempts=attempts, unanswered=unanswered, unsure=unsure, more=0, superseded=False,
        created_at=NOW, trace=None,
    )  # fmt: skip


def test_what_the_provider_took_is_sent() -> None:
    assert fate_of(Delivered("receipt 1"), row(), NOW, 6) == Fate(7, "sent", answer="receipt 1")


def test_a_device_that_is_gone_gets_no_more() -> None:
    assert fate_of(Gone(None, "Unregistered"), row(), NOW, 6) == Fate(
        7, "cancelled", Reason.DEVICE_GONE, "Unregistered"
    )


def test_what_is_refused_is_not_tried_again() -> None:
    assert fate_of(Rejected("BadTopic"), row(), NOW, 6) == Fate(7, "failed", answer="BadTopic")


def test_the_provider_says_after_how_long_it_is_tried_again() -> None:
    fate = fate_of(Retry(90, "429"), row(number=32), NOW, 6)
    assert (fate.state, fate.not_before, fate.unsure) == ("waiting", NOW + timedelta(seconds=90), False)


def test_all_that_a_provider_puts_off_do_not_come_back_at_once_and_none_too_early() -> None:
    fates = [fate_of(Retry(64, "429"), row(number=number), NOW, 6) for number in range(64)]
    seconds = {(fate.not_before - NOW).total_seconds() for fate in fates if fate.not_before}
    assert (min(seconds), max(seconds), len(seconds)) == (64, 79.5, 32)


def test_what_nobody_answered_is_tried_again_as_unsure() -> None:
    fate = fate_of(Unknown("no answer"), row(), NOW, 6)
    assert (fate.state, fate.unsure) == ("waiting", True)


def test_after_the_last_attempt_that_nobody_answered_it_is_said_that_it_may_have_been_shown() -> None:
    assert fate_of(Unknown("no answer"), row(6, unanswered=5), NOW, 6).state == "unknown"


def test_attempts_that_were_surely_not_taken_do_not_count_among_those_without_an_answer() -> None:
    assert fate_of(Unknown("no answer"), row(6, unanswered=4), NOW, 6).state == "waiting"


def test_what_was_surely_not_taken_is_tried_until_it_expires() -> None:
    fate = fate_of(Retry(1, "503"), row(5_000, left=3600), NOW, 6)
    assert (fate.state, fate.unsure) == ("waiting", False)


@pytest.mark.parametrize(
    ("unsure", "state"), [(False, "failed"), (True, "unknown")], ids=["never handed over", "perhaps shown"]
)
def test_in_the_end_it_is_said_whether_it_may_have_been_shown(unsure: bool, state: str) -> None:
    assert fate_of(Retry(90, "503"), row(6, unsure=unsure, left=60), NOW, 6).state == state


def test_it_is_not_tried_again_when_it_makes_no_sense_any_more() -> None:
    fate = fate_of(Retry(90, "429"), row(left=60), NOW, 6)
    assert (fate.state, fate.reason, fate.not_before) == ("failed", Reason.EXPIRED, None)


def test_an_answer_is_kept_in_one_line_and_short() -> None:
    fate = fate_of(Rejected("a\nb\x1b[31m" + "c" * 1_000), row(), NOW, 6)
    assert fate.answer is not None
    assert fate.answer.isprintable()
    assert len(fate.answer) == 200


@given(st.integers(1, 50), st.integers(1, 2**60))
def test_pauses_grow_to_a_bound_and_are_not_the_same_for_all(attempts: int, number: int) -> None:
    seconds = pause(row(attempts, number=number))
    assert 0.75 * min(LONGEST_PAUSE, 2.0 ** (attempts - 1)) <= seconds <= 1.25 * LONGEST_PAUSE
