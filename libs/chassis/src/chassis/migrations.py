"""Bring a service's schema in Postgres to the version of its code: numbered files, forwards only."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import asyncpg

LOCK = 0x7061_726C_6579
"""The advisory lock under which one process migrates and others wait."""

log = logging.getLogger(__name__)


class MigrationError(Exception):
    """The database does not fit this version of the code."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Schema:
    """A service's tables: a schema named as its package, whose folder `migrations` has the files."""

    name: str
    role: str
    """That the service works in; the migrations make it and grant it what it needs."""

    def migrations(self) -> Iterator[Migration]:
        """All that this version knows, in order."""
        files = resources.files(self.name).joinpath("migrations").iterdir()
        for file in sorted(files, key=lambda file: file.name):
            if file.name.endswith(".sql"):
                number, _, name = file.name.removesuffix(".sql").partition("_")
                yield Migration(int(number), name, file.read_text(encoding="utf-8"))

    async def migrate(self, connection: asyncpg.Connection) -> int:
        """Apply what is missing, each in a transaction; return how many were applied.

        Raise `MigrationError` when an applied migration is not the one this code carries, or is newer than
        all.
        """
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        try:
            await self.begin(connection)
            rows = await connection.fetch(f"select number, digest from {self.name}.migrations")  # noqa: S608
            applied = {row["number"]: row["digest"] for row in rows}
            known = list(self.migrations())
            _compare(applied, known)
            missing = [migration for migration in known if migration.number not in applied]
            for migration in missing:
                await self.apply(connection, migration)
            if not await connection.fetchval("select pg_has_role(current_user, $1, 'member')", self.role):
                await connection.execute(f"grant {self.role} to current_user")
            return len(missing)
        finally:
            await connection.execute("select pg_advisory_unlock($1)", LOCK)

    async def begin(self, connection: asyncpg.Connection) -> None:
        """Make the schema with its list of what was applied."""
        await connection.execute(f"""
            create schema if not exists {self.name};
            create table if not exists {self.name}.migrations (
                number int primary key,
                name text not null,
                digest text not null,
                applied_at timestamptz not null default now()
            );
        """)

    async def apply(self, connection: asyncpg.Connection, migration: Migration) -> None:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                f"insert into {self.name}.migrations (number, name, digest) values ($1, $2, $3)",  # noqa: S608
                migration.number,
                migration.name,
                migration.digest,
            )
        log.info(
            "migrated",
            extra={"schema": self.name, "number": migration.number, "migration": migration.name},
        )


def _compare(applied: dict[int, str], known: list[Migration]) -> None:
    digests = {migration.number: migration.digest for migration in known}
    for number, digest in applied.items():
        if number not in digests:
            raise MigrationError(
                f"the database is at migration {number}, this version knows {max(digests)}: run a newer one"
            )
        if digests[number] != digest:
            raise MigrationError(
                f"migration {number} was applied with other content than this version carries"
            )
