"""One installation for all of these tests, which leave it as they found it."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from contract.own_postgres import OwnPostgres
from outages.ground import Ground
from processes import cluster
from servers import OwnNats

from parley_cli.datadir import DataDir


@pytest.fixture(scope="session")
def ground(servers_portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with (
        DataDir(tmp_path_factory.mktemp("postgres")) as beneath,
        DataDir(tmp_path_factory.mktemp("nats")) as beside,
    ):
        postgres, nats = OwnPostgres(beneath), OwnNats(beside)
        servers_portal.call(postgres.start)
        servers_portal.call(nats.start)
        try:
            with cluster(postgres.url, nats.url, {"PARLEY_DATABASE_TIMEOUT": "2"}) as running:
                yield Ground(running.comments[0], running.fanouts[0], postgres, nats, servers_portal)
        finally:
            servers_portal.call(nats.stop)
            servers_portal.call(postgres.stop)
