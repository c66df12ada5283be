"""What the answers of push services mean."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from notifier.sender import Delivered, Gone, Outcome, Rejected, Retry
from notifier.webpush_answers import MAX_RECEIPT, outcome
from notifier.wire import Response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DATE = "Mon, 23 Nov 2026 12:00:30 GMT"
LOCATION = "https://push.example.net/message/1"


def answered(status: int, fields: Mapping[str, str] | None = None, body: bytes = b"") -> Outcome:
    return outcome(Response(status, fields or {}, body), NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_was_taken_is_delivered(status: int) -> None:
    assert answered(status, {"location": LOCATION}) == Delivered(LOCATION)
    assert answered(status) == Delivered()


@pytest.mark.parametrize("location", ["x" * (MAX_RECEIPT + 1), "a b", "a\nb", "\x1b[31m", "ä"])
def test_a_location_that_is_none_is_not_kept(location: str) -> None:
    assert answered(201, {"location": location}) == Delivered()


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_not_known_is_gone(status: int) -> None:
    assert answered(status) == Gone(None, str(status))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 402, 405, 413, 415, 418, 422])
def test_what_will_never_be_taken_is_rejected(status: int) -> None:
    assert answered(status, {"location": LOCATION}) == Rejected(str(status))


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_allowed_to_send_has_something_to_put_right(status: int) -> None:
    assert answered(status) == Rejected(str(status), ours=True)


@pytest.mark.parametrize(
    ("status", "fields", "after"),
    [
        (429, {}, 10),
        (406, {}, 10),
        (500, {}, 1),
        (503, {}, 1),
        (599, {}, 1),
        (429, {"retry-after": "30"}, 30),
        (503, {"retry-after": "30"}, 30),
        (503, {"retry-after": DATE}, 30),
        (503, {"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),
        (503, {"retry-after": "soon"}, 1),
        (429, {"retry-after": "-5"}, 10),
        (429, {"retry-after": "999999999"}, 86_400),
        (429, {"retry-after": "9" * 400}, 10),
    ],
)
def test_who_is_asked_too_much_says_when_to_come_back(
    status: int, fields: Mapping[str, str], after: float
) -> None:
    assert answered(status, fields) == Retry(after, str(status))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"code": 400, "errno": 110, "error": "Bad Request", "message": "x"}', "400 110 Bad Request"),
        (b'{"reason": "BadJwtToken"}', "400 BadJwtToken"),
        (b'{"reason": "https://push.example.net/secret"}', "400"),
        (b'{"reason": "dK8x:APA91bH"}', "400"),
        (b'{"error": {"code": 400}}', "400"),
        (b'["reason"]', "400"),
        (b"<html>", "400"),
        (b"[" * 4_000, "400"),
        (b"\xff\xfe", "400"),
    ],
)
def test_of_an_explanation_codes_are_repeated_and_nothing_that_may_be_secret(
    body: bytes, reason: str
) -> None:
    assert answered(400, {}, body) == Rejected(reason)
