"""How the commands reach a server: its URL, and a token made with the secret that `parley up` keeps."""

from pathlib import Path

from chassis.tokens import sign
from parley_cli.failures import Failed

SECRET = Path("secrets/jwt-secret")


def secret_of(path: Path, given: str | None) -> str:
    """`given` (PARLEY_JWT_SECRET), or what `parley up` made in the data directory. Raise `Failed`."""
    if given:
        return given
    try:
        return (path / SECRET).read_text().strip()
    except OSError as error:
        raise Failed(
            f"no secret in {path}: start `parley up` once, or set PARLEY_JWT_SECRET to your server's"
        ) from error


def rights_of(rooms: list[str]) -> dict[str, str]:
    """`["chat-*=rw"]` as the `rooms` claim. Raise `Failed`."""
    rights = {}
    for room in rooms:
        pattern, sign_, letters = room.rpartition("=")
        if not sign_ or not pattern or not letters or set(letters) - set("rwm"):
            raise Failed(f"{room!r} is not PATTERN=RIGHTS, with rights made of r, w and m")
        rights[pattern] = letters
    return rights


def token(secret: str, user: str, name: str | None, rooms: list[str], seconds: float) -> str:
    """A signed token. Raise `Failed` for what a token cannot say."""
    try:
        return sign(secret, user, name=name, rooms=rights_of(rooms), ttl=seconds)
    except ValueError as error:
        raise Failed(str(error)) from error
