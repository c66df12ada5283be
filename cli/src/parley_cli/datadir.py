"""The directory that `parley up` keeps between starts: secrets, ports, the stores of its servers."""

import fcntl
import json
import os
import random
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

PORTS = range(20001, 32768)
"""Above the well-known ports and below Linux's ephemeral range, so no outgoing connection takes one."""

MAX_PATH = 900
"""Bytes. PostgreSQL cuts its own paths at 1023, and its deepest one below ours takes less than 100."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class DataDirError(Exception):
    """The data directory cannot be used."""


class OddPath(DataDirError):
    """The path of the data directory cannot be handed to the servers."""


class Unwritable(DataDirError):
    """The data directory cannot be written."""


class InUse(DataDirError):
    """Another process works on the data directory."""


class DataDir:
    """An open data directory, locked for this process until `close`.

    Args:
        path: made with mode 0700, with its parents, if it does not exist.

    Raises:
        OddPath: `path` is too long, or has control characters or bytes that are not UTF-8.
        Unwritable: it is no directory, or one that this process may not write.
        InUse: another `DataDir` has it open; the message names its process.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 resolve() would follow the user's symlinks
        _refuse_odd(self.path)
        with _writing(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(self.path / "lock")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unlock the directory; a second call does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def secret(self, name: str) -> str:
        """The secret of that name: 256 random bits in base64url, made when first asked for.

        Raises:
            ValueError: the name is not a short lower-case word.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a secret: {name!r}")
        file = self.directory("secrets") / name
        if not file.exists():
            self.write(file, secrets.token_urlsafe(32))
        with _writing(self.path):
            return file.read_text()

    def port(self, name: str) -> int:
        """A free TCP port on 127.0.0.1: the one kept under that name, unless something else took it."""
        kept = self._ports()
        if name not in kept or not _free(kept[name]):
            kept[name] = _choose(set(kept.values()))
            self.write(self.path / "ports.json", json.dumps(kept))
        return kept[name]

    def directory(self, name: str) -> Path:
        """A directory below this one, made with mode 0700 if it does not exist."""
        below = self.path / name
        with _writing(self.path):
            if not below.exists():
                below.mkdir(mode=0o700)
                self._give(below)
        return below

    def write(self, file: Path, text: str) -> None:
        """Replace a file (mode 0600) below this directory: after a crash it is the old one or the new one."""
        new = file.with_name(f".{file.name}.new")
        with _writing(self.path):
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            self._give(new)
            new.replace(file)
            _fsync(file.parent)

    def _give(self, made: Path) -> None:
        """What root makes belongs to the directory's owner, who may be the next to start."""
        if os.geteuid() == 0:
            os.chown(made, self.path.stat().st_uid, -1)

    def _ports(self) -> dict[str, int]:
        """The kept ports; none if the file was edited into something else: they can be chosen anew."""
        file = self.path / "ports.json"
        try:
            kept = json.loads(file.read_text()) if file.exists() else {}
        except ValueError:
            return {}
        pairs = kept.items() if isinstance(kept, dict) else ()
        return {name: port for name, port in pairs if isinstance(port, int) and port in PORTS}


def _refuse_odd(path: Path) -> None:
    text = str(path)
    if not text.isprintable():  # lone surrogates, which stand for bytes that are not UTF-8, are not printable
        raise OddPath(f"data directory {text!r}: its path has characters that cannot be printed")
    if len(os.fsencode(text)) > MAX_PATH:
        raise OddPath(f"data directory {text[:60]}…: its path is longer than {MAX_PATH} bytes")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"data directory {path}: {error.strerror} ({error.filename or path})") from error


def _lock(file: Path) -> int:
    """Lock the file and write our process id into it; the lock goes when the descriptor is closed."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.read(descriptor, 20).decode().strip() or "unknown"
        os.close(descriptor)
        raise InUse(f"data directory {file.parent}: in use by process {pid}") from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _choose(taken: set[int]) -> int:
    """A random port: a fixed first one would be everybody's."""
    for port in random.sample(PORTS, len(PORTS)):
        if port not in taken and _free(port):
            return port
    raise DataDirError(f"no free port on 127.0.0.1 from {PORTS.start} to {PORTS.stop - 1}")


def _free(port: int) -> bool:
    """Whether a server could listen there now. Connections that linger in TIME_WAIT do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _fsync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
