"""Waiting for what is not there yet."""

import pytest
import structlog

from chassis import waiting
from chassis.waiting import Absent, until_there


class Late:
    """Comes at the last of the given outcomes; the others are raised."""

    def __init__(self, *troubles: Exception) -> None:
        self._troubles = list(troubles)

    async def __call__(self) -> str:
        if self._troubles:
            raise self._troubles.pop(0)
        return "there"


def passing(error: Exception) -> bool:
    return isinstance(error, OSError)


async def test_what_comes_is_returned_and_each_new_reason_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.001)
    late = Late(ConnectionRefusedError("refused"), ConnectionRefusedError("refused"), TimeoutError("slow"))
    with structlog.testing.capture_logs() as logs:
        assert await until_there("Postgres", late, patience=10, passing=passing) == "there"
    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("waiting", "refused"),
        ("waiting", "slow"),
        ("there", None),
    ]


async def test_what_does_not_come_is_absent_with_the_last_reason() -> None:
    endless = Late(*[ConnectionRefusedError("refused")] * 1_000)
    with pytest.raises(Absent, match=r"Postgres is not there after 0.01 s: refused"):
        await until_there("Postgres", endless, patience=0.01, passing=passing)


async def test_what_will_not_pass_is_raised_at_once() -> None:
    with pytest.raises(KeyError):
        await until_there("Postgres", Late(KeyError("wrong")), patience=10, passing=passing)
