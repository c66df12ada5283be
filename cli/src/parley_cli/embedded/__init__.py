"""Real PostgreSQL and NATS servers as child processes, from wheels: no container, no system package."""

from parley_cli.embedded.errors import Died, EmbeddedError, Missing, NotReady
from parley_cli.embedded.nats import Nats, nats
from parley_cli.embedded.postgres import Postgres, postgres
from parley_cli.embedded.privileges import NotEnterable
from parley_cli.embedded.server import Server

__all__ = [
    "postgres",
    "Postgres",
    "nats",
    "Nats",
    "Server",
    "EmbeddedError",
    "Died",
    "Missing",
    "NotEnterable",
    "NotReady",
]
