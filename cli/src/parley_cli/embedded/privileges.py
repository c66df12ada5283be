"""As whom a server runs that refuses to be root.

Root becomes `nobody`, without any capability, if that user can enter the data directory and run the program.
Under parents that only root may enter (mode 0700), it keeps CAP_DAC_READ_SEARCH (may read, not write), else
CAP_DAC_OVERRIDE (which alone is in Docker's default set). Nothing outside the data directory changes.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parley_cli.embedded.errors import EmbeddedError

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

CHANGING_USER = 1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7
"""Bit mask of CAP_CHOWN, DAC_OVERRIDE, KILL, SETGID, SETUID: to run another user's process on its files."""

PROBE_TIMEOUT = 10
"""Seconds that a program may take to print its version; it takes 0.03."""


class NotEnterable(EmbeddedError):
    """No unprivileged user may both run the program and enter the data directory."""


@dataclass(frozen=True, slots=True)
class Privileges:
    """User and group ids to take on and the one capability to keep; -1: leave as it is, none."""

    uid: int = -1
    gid: int = -1
    capability: int = -1

    def give(self, path: Path) -> None:
        """Hand over a file or directory that this process has made."""
        if self.uid < 0:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise NotEnterable(f"cannot give {path} to user {self.uid}: {error.strerror}") from error

    def launch(self, directory: Path, signal: int, program: list[str]) -> list[str]:
        """The command that runs a program with these privileges in a directory (see `launch.py`)."""
        me = [os.getpid(), signal, self.uid, self.gid, self.capability]
        launcher = Path(__file__).with_name("launch.py")
        return [sys.executable, "-I", "-S", str(launcher), *map(str, me), str(directory), *program]

    def enter(self, directory: Path, program: Path) -> bool:
        """Whether a process with these privileges can enter the directory and run the program, by trying."""
        command = self.launch(directory, 0, [str(program), "--version"])
        tried = subprocess.run(
            command, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_TIMEOUT, check=False
        )
        return tried.returncode == 0


def account(owned: Path) -> Privileges:
    """Whom to become: the owner of the path if it exists and is not root's, else `nobody`.

    Raises:
        NotEnterable: the system has no user `nobody`, or this root may not become it.
    """
    if os.geteuid() != 0:
        return Privileges()
    require_changing_user(granted())
    if owned.exists() and (status := owned.stat()).st_uid != 0:
        return Privileges(status.st_uid, status.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise NotEnterable("PostgreSQL refuses to run as root and there is no user 'nobody'") from error
    return Privileges(nobody.pw_uid, nobody.pw_gid)


def require_changing_user(granted: int) -> None:
    if granted & CHANGING_USER != CHANGING_USER:
        raise NotEnterable(
            "PostgreSQL refuses to run as root, and this root may not become another user: "
            "run as a normal user, or with the capabilities CHOWN, DAC_OVERRIDE, KILL, SETGID and SETUID"
        )


def open_to(user: Privileges, directory: Path) -> None:
    """Let the user's group pass through a data directory of mode 0700, if that is what bars the way."""
    status = directory.stat()
    if user.uid < 0 or status.st_mode & 0o001 or not user.enter(directory.parent, Path("/bin/true")):
        return
    os.chown(directory, -1, user.gid)
    directory.chmod(status.st_mode & 0o777 | 0o010)


def candidates(user: Privileges, granted: int) -> Iterator[Privileges]:
    """From least to most privileged, given the mask of capabilities that this process has."""
    yield user
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if user.uid >= 0 and granted >> capability & 1:
            yield Privileges(user.uid, user.gid, capability)


def granted() -> int:
    """The capabilities of this process, as a bit mask; none where there is no Linux."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return int(fields.get("CapPrm", "0"), 16) & int(fields.get("CapBnd", "0"), 16)
