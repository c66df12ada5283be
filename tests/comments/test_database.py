"""What an error of Postgres means for the caller."""

import asyncpg
import pytest

from comments.database import unavailable

PASSING = [
    ConnectionRefusedError(),
    TimeoutError(),
    asyncpg.CannotConnectNowError("starting up"),
    asyncpg.AdminShutdownError("terminating connection"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
    asyncpg.TooManyConnectionsError("sorry"),
    asyncpg.DeadlockDetectedError("deadlock"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_will_pass_is_answered_with_when_to_come_back(error: Exception) -> None:
    problem = unavailable(error)
    assert problem is not None
    assert (problem.status, problem.headers) == (503, {"Retry-After": "1"})


def test_a_full_disk_has_a_code_of_its_own_and_more_time() -> None:
    problem = unavailable(asyncpg.DiskFullError("could not extend file: No space left on device"))
    assert problem is not None
    assert (problem.status, problem.code) == (503, "storage_full")
    assert problem.headers == {"Retry-After": "5"}


@pytest.mark.parametrize("error", [asyncpg.DataError("x"), asyncpg.UndefinedTableError("x"), ValueError("x")])
def test_a_mistake_is_not_called_an_outage(error: Exception) -> None:
    assert unavailable(error) is None
