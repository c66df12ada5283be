"""A small disk that can really be full: a tmpfs, mounted by root, or by anybody in a namespace of their own.

Linux must allow the latter: Ubuntu, after `sysctl kernel.apparmor_restrict_unprivileged_userns=0`.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEEPER = 'mount -t tmpfs -o size="$1",mode=755 tmpfs "$2" && echo mounted && exec cat'
"""Holds the namespace for as long as its standard input is open."""


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """An empty file system of so many bytes; `place` is an empty directory. Raise `CalledProcessError`."""
    if os.geteuid() == 0:
        options = f"size={size},mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
    else:
        with _namespace(place, size) as root:
            yield root


@contextmanager
def _namespace(place: Path, size: int) -> Iterator[Path]:
    """Seen from outside through `/proc`, as the same user (namespaces(7), proc_pid_root(5))."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", KEEPER, "sh"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*unshare, str(size), str(place)], stdin=pipe, stdout=pipe) as keeper:
        assert keeper.stdin
        assert keeper.stdout
        if keeper.stdout.readline() != b"mounted\n":
            keeper.stdin.close()
            raise subprocess.CalledProcessError(keeper.wait(), unshare)
        try:
            yield Path(f"/proc/{keeper.pid}/root{place}")
        finally:
            keeper.stdin.close()


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all the room but `leave` bytes: its removal makes room again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            file.truncate(max(0, file.tell() - leave))
    return filler
