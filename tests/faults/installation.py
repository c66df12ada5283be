"""What the laboratory works on: two comments, two fanouts, NATS and Postgres, with a proxy in every line."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from faults import nats_cluster
from faults.machines import Machine, Server, Service
from faults.proxy import Proxy
from processes import SECRET
from running import free_port

from parley_cli import embedded
from parley_cli.datadir import DataDir

APP = "faults"

ENTRANCES = 2
"""Proxies before the replicas of a service: each leads to all of them, as a load balancer does."""


@dataclass(frozen=True)
class Make:
    """Of what it is made."""

    clustered: bool = False
    """Three NATS servers, and every event on all of them."""
    comments: str = "comments"
    fanout: str = "fanout"
    """The modules that are run, so that a test can run a broken one."""


@dataclass
class Installation:
    database_url: str
    """Past every proxy, as `nats_urls` are."""
    nats_urls: list[str]
    machines: dict[str, Machine]
    proxies: dict[str, Proxy] = field(default_factory=dict)

    def entrances(self, service: str) -> list[str]:
        """Where clients of the service connect, as `host:port`."""
        named = [proxy for name, proxy in self.proxies.items() if name.startswith(f"clients to {service}")]
        return [f"127.0.0.1:{proxy.port}" for proxy in named]

    @property
    def services(self) -> Sequence[Service]:
        return [machine for machine in self.machines.values() if isinstance(machine, Service)]


@asynccontextmanager
async def installation(directory: Path, make: Make) -> AsyncIterator[Installation]:
    """Everything runs and serves; at the end all of it is stopped."""
    async with AsyncExitStack() as stack:
        datadir = stack.enter_context(DataDir(directory))
        postgres, nats = _postgres(datadir), _nats(datadir, clustered=make.clustered)
        await _start(stack, [postgres, *nats])
        urls = [server.running.full_url for server in nats]
        servers: list[Machine] = [postgres, *nats]
        installed = Installation(postgres.running.url(), urls, {each.name: each for each in servers})
        for module, name in _replicas(make):
            installed.machines[name] = Service(name, module, await _environ(stack, installed, make, name))
        await _start(stack, installed.services)
        for service in ("comments", "fanout"):
            ports = [each.port for each in installed.services if each.name.startswith(service)]
            for number in range(1, ENTRANCES + 1):
                await _proxy(stack, installed, f"clients to {service} ({number})", ports)
        yield installed


async def _start(stack: AsyncExitStack, machines: Sequence[Machine]) -> None:
    """All at once; each is stopped at the end."""
    for machine in machines:
        stack.push_async_callback(machine.stop)
    async with asyncio.TaskGroup() as starting:
        for machine in machines:
            starting.create_task(machine.start())


def _postgres(datadir: DataDir) -> Server[embedded.Postgres]:
    return Server("postgres", partial(embedded.postgres, datadir), datadir.path / "postgres" / "data")


def _nats(datadir: DataDir, *, clustered: bool) -> list[Server[embedded.Nats]]:
    if not clustered:
        return [Server("nats", partial(embedded.nats, datadir), datadir.path / "nats" / "store")]
    routes = {name: free_port() for name in nats_cluster.NODES}
    return [
        Server(name, partial(nats_cluster.node, datadir, name, routes), datadir.path / name / "store")
        for name in routes
    ]


def _replicas(make: Make) -> list[tuple[str, str]]:
    """Module and name of each."""
    services = (make.comments, "comments"), (make.fanout, "fanout")
    return [(module, f"{service}-{number}") for module, service in services for number in (1, 2)]


async def _environ(
    stack: AsyncExitStack, installed: Installation, make: Make, name: str
) -> Mapping[str, str]:
    """The settings of a service, whose lines to the servers lead through proxies of their own."""
    to_nats = await _proxy(stack, installed, f"{name} to nats", [_port(url) for url in installed.nats_urls])
    environ = {
        "PARLEY_APP_ID": APP,
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_RATE_LIMITS": "off",
        "PARLEY_STREAM_REPLICAS": "3" if make.clustered else "1",
        "PARLEY_NATS_URL": _through(to_nats, installed.nats_urls[0]),
        "PARLEY_DRAIN_WINDOW": "2",
        "PARLEY_DRAIN_SECONDS": "8",
        "PYTHONPATH": os.pathsep.join(sys.path),  # a broken part is one of our own modules
    }
    if name.startswith("comments"):
        url = installed.database_url
        to_postgres = await _proxy(stack, installed, f"{name} to postgres", [_port(url)])
        environ["PARLEY_DATABASE_URL"] = _through(to_postgres, url)
    return environ


async def _proxy(
    stack: AsyncExitStack, installed: Installation, name: str, upstreams: Sequence[int]
) -> Proxy:
    proxy = await stack.enter_async_context(Proxy(name, upstreams, free_port()))
    installed.proxies[name] = proxy
    return proxy


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def _through(proxy: Proxy, url: str) -> str:
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}"))
