"""Three NATS servers that keep JetStream together, each like the embedded one but for its `cluster` block.

https://docs.nats.io/running-a-nats-service/configuration/clustering/jetstream_clustering
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from parley_cli import embedded
from parley_cli.datadir import DataDir
from parley_cli.embedded.children import Program, home
from parley_cli.embedded.nats import STOP, USER, installed
from parley_cli.embedded.privileges import Privileges
from parley_cli.embedded.server import running, silent

LOOK = 0.1
"""Seconds between two questions to a server."""

NODES = ("nats-1", "nats-2", "nats-3")


@asynccontextmanager
async def node(datadir: DataDir, name: str, routes: Mapping[str, int]) -> AsyncIterator[embedded.Nats]:
    """One of the servers, once it has all that the others have; at first, when two of them agree who leads.

    `routes` are the ports on which they talk to each other, by name.
    """
    port, password = datadir.port(name), datadir.secret("nats-password")
    monitor = datadir.port(f"{name}-monitor")
    place = home(datadir, name, Privileges())
    config = {
        "listen": f"127.0.0.1:{port}",
        "http": f"127.0.0.1:{monitor}",
        "server_name": name,
        "authorization": {"user": USER, "password": password},
        "jetstream": {"store_dir": str(place / "store")},
        "cluster": {
            "name": "parley",
            "listen": f"127.0.0.1:{routes[name]}",
            "routes": [f"nats://127.0.0.1:{routes[other]}" for other in routes if other != name],
            # Else clients learn the servers' own addresses, and go round the proxies.
            "no_advertise": True,
        },
        "log_file": str(place / "log" / "nats.log"),
    }
    datadir.write(place / "nats.conf", json.dumps(config, indent=2))
    command = [str(installed()), "-c", str(place / "nats.conf")]

    async def ready() -> bool:
        return await _healthy(monitor)

    program = Program(name, place, command, STOP, Privileges())
    async with running(datadir, program, ready, silent) as started:
        yield embedded.Nats(port=port, child=started.child, revive=started.revive, password=password)


async def _healthy(port: int) -> bool:
    """Whether it has caught up with the others, as it says at `/healthz`."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    status = await reader.readline()
    writer.close()
    await asyncio.sleep(LOOK)
    return b" 200 " in status
