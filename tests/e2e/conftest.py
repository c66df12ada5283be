"""Two replicas of each service for the tests that leave them running."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from processes import Cluster, cluster
from servers import database

from parley_cli import embedded
from parley_cli.datadir import DataDir


@pytest.fixture(scope="session")
def services(
    servers_portal: BlockingPortal,
    postgres_server: embedded.Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    wrap = servers_portal.wrap_async_context_manager
    with (
        DataDir(tmp_path_factory.mktemp("services")) as datadir,
        wrap(embedded.nats(datadir)) as nats,
        wrap(database(postgres_server)) as url,
        cluster(url, nats.full_url, comments=2, fanouts=2, presences=2) as running,
    ):
        yield running
