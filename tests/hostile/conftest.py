"""One of each service, as a process of its own, for the tests that leave it running."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from processes import Cluster, cluster
from servers import database

from parley_cli import embedded


@pytest.fixture(scope="package")
def services(
    servers_portal: BlockingPortal, postgres_server: embedded.Postgres, nats_server: embedded.Nats
) -> Iterator[Cluster]:
    with (
        servers_portal.wrap_async_context_manager(database(postgres_server)) as url,
        cluster(url, nats_server.full_url, presences=1, notifiers=1) as running,
    ):
        yield running
