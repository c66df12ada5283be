"""`parley doctor`: looks at what a working installation needs, and says what to do about the rest."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from parley_cli.embedded import EmbeddedError
from parley_cli.embedded.binaries import installed
from parley_cli.embedded.nats import installed as installed_nats


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    said: str


def examine(path: Path, url: str) -> list[Finding]:
    """Every check, in the order in which they matter."""
    return [
        _check("Python", _python),
        _check("embedded PostgreSQL", lambda: str(installed())),
        _check("embedded NATS", lambda: str(installed_nats())),
        _check("data directory", lambda: _data(path)),
        _check("open files", _files),
        _check(f"server at {url}", lambda: _server(url)),
    ]


class Unwell(Exception):
    """Something is not as it should be; the message says what to do."""


def _check(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (Unwell, EmbeddedError, OSError) as reason:
        return Finding(what, False, str(reason))


def _python() -> str:
    return sys.version.split()[0]


def _data(path: Path) -> str:
    if not path.exists():
        return f"{path} (made by the first `parley up`)"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise Unwell(f"{path} cannot be written: pass --data-dir, or change its owner")
    mode = path.stat().st_mode & 0o777
    if mode & 0o067:  # PostgreSQL of another user, which root starts, passes through
        raise Unwell(f"{path} has mode {mode:04o}, others can look inside: chmod 700 it")
    return str(path)


def _files() -> str:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        raise Unwell(f"{soft} files may be open, so at most as many sockets: ulimit -n {hard}")
    return f"{soft} may be open"


def _server(url: str) -> str:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=3)
    except httpx.HTTPError:
        raise Unwell("nothing answers: start it with `parley up`, or pass --url") from None
    if answer.status_code != 200:
        raise Unwell(f"answers {answer.status_code}: {answer.text[:200]}")
    return "ready"
