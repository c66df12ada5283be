"""Tokens of users, as the host app signs them."""

from chassis.auth import sign

SECRET = "a secret of at least 32 bytes for HS256"


def caller(
    user: str = "u1", name: str | None = "User One", room: str = "*", rights: str = "rw", ttl: float = 3600
) -> dict[str, str]:
    """The header that says who calls."""
    token = sign(SECRET, user, name=name, rooms={room: rights}, ttl=ttl)
    return {"Authorization": f"Bearer {token}"}
