"""Processes of the services for the tests that leave them running."""

from collections.abc import AsyncIterator, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from processes import Cluster, cluster
from servers import database
from town import Town, pushing, settled

from parley_cli import embedded
from parley_cli.datadir import DataDir


@pytest.fixture(scope="session")
def services(
    servers_portal: BlockingPortal,
    postgres_server: embedded.Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two of each."""
    wrap = servers_portal.wrap_async_context_manager
    with (
        DataDir(tmp_path_factory.mktemp("services")) as datadir,
        wrap(embedded.nats(datadir)) as nats,
        wrap(database(postgres_server)) as url,
        cluster(url, nats.full_url, comments=2, fanouts=2, presences=2) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def with_pushes(
    servers_portal: BlockingPortal,
    postgres_server: embedded.Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """One of each, and two of notifier; what a test kills it starts again."""
    wrap = servers_portal.wrap_async_context_manager
    with (
        DataDir(tmp_path_factory.mktemp("pushes")) as datadir,
        wrap(embedded.nats(datadir)) as nats,
        wrap(database(postgres_server)) as url,
        pushing(url, nats.full_url, tmp_path_factory.mktemp("vapid")) as running,
    ):
        yield running


@pytest.fixture
async def town(with_pushes: Cluster) -> AsyncIterator[Town]:
    async with settled(with_pushes) as town:
        yield town
