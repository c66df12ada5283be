"""PostgreSQL's database cluster: the directory that `initdb` makes, once."""

import shutil
import signal
from pathlib import Path

from parley_cli.datadir import DataDir
from parley_cli.embedded.children import Child, Program
from parley_cli.embedded.orphans import Record, started, stop_strays, works
from parley_cli.embedded.privileges import Privileges

SUPERUSER = "postgres"

HBA = "# TYPE DATABASE USER ADDRESS METHOD\nhost all all 127.0.0.1/32 scram-sha-256\n"
"""Who may connect: everybody with a password, from this machine."""

OPTIONS = [
    "--encoding=UTF8",
    # The server's own collation: what the operating system's sorts may change with an update of it.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--no-instructions",
    f"--username={SUPERUSER}",
]

STOP = ((signal.SIGINT, 5.0),)


async def initialise(datadir: DataDir, home: Path, programs: Path, user: Privileges) -> None:
    """Make `home/data`: in another place and moved, so that one half made is never taken for it.

    Raises:
        Died: `initdb` failed; the message has what it said.
    """
    await Record(datadir, "initdb").stop_orphan(STOP)
    half, password = home / "data.new", home / "password"
    if half.exists():
        shutil.rmtree(half)
    datadir.write(password, datadir.secret(f"{SUPERUSER}-password"))
    user.give(password)
    command = [str(programs / "initdb"), *OPTIONS, f"--pwfile={password}", "-D", str(half)]
    child = Child(datadir, Program("initdb", home, command, STOP, user))
    try:
        await child.run()
    finally:
        await child.stop()
        password.unlink()
    (half / "pg_hba.conf").write_text(HBA)
    half.rename(home / "data")


async def stop_leftovers(home: Path) -> bool:
    """Stop the backends of a server that was killed: no new one starts until they have ended.

    Those of a server that runs are none of our business: it says itself that the cluster is in use.
    """
    cluster = home / "data"
    lock = cluster / "postmaster.pid"
    first = lock.read_text().split()[:1] if lock.exists() else []
    if not first or works(int(first[0]), cluster, "postgres"):
        return False
    stopped = await stop_strays(cluster, "postgres")
    if started(int(first[0])):  # another process has the id now, and the server would take it for a server
        lock.unlink()
    return stopped
