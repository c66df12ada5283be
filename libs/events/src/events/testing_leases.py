"""The ports of `leases.py` in memory: times to live run on the event loop's clock."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from events import subjects
from events.leases import LeaseWatcher
from events.stream import NotPublished, Rejected, Stop, StreamError

HEALS_SECONDS = 1.0
"""After which those who watch make a bucket anew that is gone."""


@dataclass(eq=False)
class _Watch:
    app: str
    watcher: LeaseWatcher
    deaf: bool = False
    """It was told `lost`."""
    stopped: bool = False

    def later(self, tell: Callable[[], None]) -> None:
        """In a later turn of the loop, in the order of the calls, unless it has stopped by then."""
        asyncio.get_running_loop().call_soon(lambda: None if self.stopped else tell())

    def of(self, key: str) -> bool:
        return key.startswith(f"{self.app}.")


class MemoryLeases:
    """`Leases`. The bucket is there and old, until it is removed."""

    def __init__(self, is_away: Callable[[], bool]) -> None:
        self.live: dict[str, bytes] = {}
        """The value of each lease that lives, by key."""
        self.fresh = 30.0
        """A bucket that was made anew is not whole for so many seconds."""
        self._is_away = is_away
        self._there = True
        self._made: float | None = None
        """By the loop's clock; `None` is long ago."""
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._leads: dict[str, tuple[str, float]] = {}
        self._watches: list[_Watch] = []

    async def ensure_leases(self) -> None:
        self._reach()
        self._heal()

    async def extend(self, key: str, value: bytes, ttl: float) -> asyncio.Future[None]:
        return self._done(partial(self._put, key, value, ttl))

    async def end(self, key: str) -> asyncio.Future[None]:
        return self._done(lambda: self._drop(key, expired=False))

    async def watch_leases(self, app: str, watcher: LeaseWatcher) -> Stop:
        watch = _Watch(app, watcher)
        self._watches.append(watch)
        if not self._is_away():
            self._heal()
            self._begin(watch, whole=self._is_old())

        async def stop() -> None:
            watch.stopped = True
            self._watches.remove(watch)

        return stop

    async def take_lead(self, app: str, holder: str, ttl: float) -> bool:
        self._there_or_raise()
        now = asyncio.get_running_loop().time()
        other, until = self._leads.get(app, (holder, now))
        if other != holder and until > now:
            return False
        self._leads[app] = (holder, now + ttl)
        return True

    async def leave_lead(self, app: str, holder: str) -> None:
        self._there_or_raise()
        if self._leads.get(app, ("", 0.0))[0] == holder:
            del self._leads[app]

    def remove(self) -> None:
        """Delete the bucket."""
        self._there = False
        for timer in self._ends.values():
            timer.cancel()
        self._ends.clear()
        self.live.clear()
        self._leads.clear()
        self.lose()
        if self._watches:
            asyncio.get_running_loop().call_later(HEALS_SECONDS, self._mend)

    def lose(self) -> None:
        """As a lost connection does."""
        for watch in self._watches:
            if not watch.deaf:
                watch.deaf = True
                watch.later(watch.watcher.lost)

    def regain(self) -> None:
        """As a connection does that is back, or a reader that was too slow."""
        if not self._there:
            self._mend()
            return
        for watch in self._watches:
            self._begin(watch, whole=self._is_old() and not watch.deaf)

    def _put(self, key: str, value: bytes, ttl: float) -> None:
        if key in self._ends:
            self._ends[key].cancel()
        end = partial(self._drop, key, expired=True)
        self._ends[key] = asyncio.get_running_loop().call_later(ttl, end)
        self.live[key] = value
        for watch in self._listening(key):
            watch.later(partial(watch.watcher.extended, key, value))

    def _drop(self, key: str, *, expired: bool) -> None:
        if key in self.live:
            self._ends.pop(key).cancel()
            del self.live[key]
            for watch in self._listening(key):
                watch.later(partial(watch.watcher.ended, key, expired=expired))

    def _listening(self, key: str) -> list[_Watch]:
        return [watch for watch in self._watches if watch.of(key) and not watch.deaf and not self._is_away()]

    def _heal(self) -> None:
        if not self._there:
            self._there = True
            self._made = asyncio.get_running_loop().time()
            for watch in self._watches:
                self._begin(watch, whole=False)

    def _mend(self) -> None:
        if self._watches and not self._is_away():
            self._heal()

    def _begin(self, watch: _Watch, *, whole: bool) -> None:
        watch.deaf = False
        mine: Mapping[str, bytes] = {key: value for key, value in self.live.items() if watch.of(key)}
        watch.later(partial(watch.watcher.began, mine, whole=whole))

    def _is_old(self) -> bool:
        return self._made is None or asyncio.get_running_loop().time() - self._made >= self.fresh

    def _done(self, act: Callable[[], None]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._is_away():
            done.set_exception(NotPublished("away"))
        elif not self._there:
            done.set_exception(Rejected("no stream listens"))
        else:
            act()
            done.set_result(None)
        return done

    def _reach(self) -> None:
        if self._is_away():
            raise StreamError("away")

    def _there_or_raise(self) -> None:
        self._reach()
        if not self._there:
            raise StreamError("no bucket")


class MemoryLastSeen:
    """`LastSeen`."""

    def __init__(self, is_away: Callable[[], bool]) -> None:
        self.values: dict[str, bytes] = {}
        """By key."""
        self._is_away = is_away
        self._there = True

    async def ensure_last_seen(self) -> None:
        if self._is_away():
            raise StreamError("away")
        self._there = True

    async def seen(self, app: str, user: str, value: bytes) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._is_away() or not self._there:
            done.set_exception(NotPublished("away") if self._is_away() else Rejected("no stream listens"))
        else:
            self.values[subjects.last_seen(app, user)] = value
            done.set_result(None)
        return done

    async def when_seen(self, app: str, users: list[str]) -> Mapping[str, bytes]:
        if self._is_away() or not self._there:
            raise StreamError("away")
        known = {user: self.values.get(subjects.last_seen(app, user)) for user in users}
        return {user: value for user, value in known.items() if value is not None}

    def remove(self) -> None:
        """Delete the bucket."""
        self._there = False
        self.values.clear()
