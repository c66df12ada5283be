"""Presence on real NATS, as processes that are killed: what is said is true, and is said once."""

import asyncio

from attendance import Ears, Holder, Starting, beating, shown
from contract.recording import PATIENCE
from processes import Process
from servers import OwnNats

from events import subjects
from events.jetstream import Nats


async def logged(text: str, *processes: Process) -> Process:
    """Wait until one of the processes has logged it."""
    async with asyncio.timeout(3 * PATIENCE):
        while True:
            for process in processes:
                if any(text in line for line in process.logs):
                    return process
            await asyncio.sleep(0.02)


async def heard(nats: Nats, app: str) -> Ears:
    ears = Ears(app)
    await ears.listen(nats)
    await nats.ping()  # the server knows of it before a process is waited for, which stops this loop
    return ears


async def test_people_of_a_killed_fanout_leave_when_their_leases_expire(
    nats: Nats, nats_url: str, holder: Holder, app: str, starting: Starting
) -> None:
    ears = await heard(nats, app)
    starting(nats_url)
    await ears.until(restated=1)
    async with beating(holder):
        await holder.hold("stays", "lobby")
        async with beating(Holder(nats.leases(), app)) as killed:
            await killed.hold("goes", "lobby")
            await ears.until(("joined", "lobby", "stays"), ("joined", "lobby", "goes"))
        await ears.until(("left", "lobby", "goes"))
        await shown(nats, "lobby", "stays", app=app)
    assert len(ears.said) == 3


async def test_a_goodbye_is_said_after_the_damping(
    nats: Nats, nats_url: str, holder: Holder, app: str, starting: Starting
) -> None:
    ears = await heard(nats, app)
    starting(nats_url)
    await ears.until(restated=1)
    async with beating(holder):
        connection = await holder.hold("ünï.*> =x", "lobby")
        await ears.until(("joined", "lobby", "ünï.*> =x"))
        await holder.drop("ünï.*> =x", connection)
        await ears.until(("left", "lobby", "ünï.*> =x"))


async def test_presence_that_is_killed_and_started_again_says_nothing_wrong(
    nats: Nats, nats_url: str, holder: Holder, app: str, starting: Starting
) -> None:
    ears = await heard(nats, app)
    process = starting(nats_url)
    await ears.until(restated=1)
    async with beating(holder):
        await holder.hold("stays", "lobby")
        goes = await holder.hold("goes", "lobby")
        await ears.until(("joined", "lobby", "stays"), ("joined", "lobby", "goes"))
        process.kill()
        await holder.drop("goes", goes)
        await holder.hold("comes", "lobby")
        process.start()
        process.ready()
        await ears.until(restated=2)
        await shown(nats, "lobby", "comes", "stays", app=app)
        await holder.hold("last", "lobby")
        await ears.until(("joined", "lobby", "last"))
    assert sorted(ears.said) == [("joined", "lobby", user) for user in ("goes", "last", "stays")]


async def test_a_bucket_that_is_deleted_heals_and_nobody_flickers(
    own: Nats, own_nats: OwnNats, app: str, starting: Starting
) -> None:
    ears = await heard(own, app)
    process = starting(own_nats.url)
    await ears.until(restated=1)
    leases = own.leases()
    async with beating(Holder(leases, app)) as holder:
        await holder.hold("stays", "lobby")
        await ears.until(("joined", "lobby", "stays"))
        await own._client.jsm().delete_stream(subjects.bucket(subjects.PRESENCE_BUCKET))
        await logged("leases cannot be followed", process)
        await holder.hold("comes", "lobby", connection="c9")
        await ears.until(("joined", "lobby", "comes"))
        await shown(own, "lobby", "comes", "stays", app=app)
    assert len(ears.said) == 2
    assert ears.restated == 1


async def test_after_nats_was_killed_all_is_asked_anew_and_nobody_is_said_to_have_left(
    own: Nats, own_nats: OwnNats, app: str, starting: Starting
) -> None:
    ears = await heard(own, app)
    starting(own_nats.url)
    await ears.until(restated=1)
    async with beating(Holder(own.leases(), app)) as holder:
        await holder.hold("stays", "lobby")
        await ears.until(("joined", "lobby", "stays"))
        await own_nats.kill()
        await own_nats.start()
        await ears.until(restated=2)
        await shown(own, "lobby", "stays", app=app)
    assert ears.said == [("joined", "lobby", "stays")]


async def test_of_two_replicas_one_speaks_and_when_it_is_killed_the_other_goes_on(
    nats: Nats, nats_url: str, holder: Holder, app: str, starting: Starting
) -> None:
    ears = await heard(nats, app)
    replicas = [starting(nats_url), starting(nats_url)]
    leader = await logged("the lead is taken", *replicas)
    [other] = [each for each in replicas if each is not leader]
    await ears.until(restated=1)
    await logged("transitions are said again", other)
    async with beating(holder):
        goes = await holder.hold("goes", "lobby")
        await holder.hold("stays", "lobby")
        await ears.until(("joined", "lobby", "goes"), ("joined", "lobby", "stays"))
        leader.kill()
        await holder.drop("goes", goes)
        await holder.hold("comes", "lobby")
        await logged("the lead is taken", other)
        await shown(nats, "lobby", "comes", "stays", app=app)
    said = sorted((user, transition) for transition, _, user in ears.said)
    assert len(said) == len(set(said))
