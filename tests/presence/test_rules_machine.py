"""Whatever becomes of connections, fanouts, NATS and presence: nobody is said to be where they are not.

A world of holders (fanouts) that beat, a bucket whose keys expire, replicas of presence of which one leads,
and a listener that hears what is said, asks when it must, and judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from attendance import key, lease
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from events.presence import Lease, Person
from presence.rules import Rules

STEP, BEAT, TTL, DAMPING, HOLD = 0.5, 10.0, 30.0, 5.0, 12.0
LEAD, RENEW = 5.0, 1.5
PATIENCE = 2 * LEAD + DAMPING
REST = 2 * TTL + HOLD + 3 * PATIENCE
"""After which whatever was begun is over."""

Place = tuple[str, str]
USERS = st.sampled_from(["ann", "bob", "cid"])
TROUBLES = st.sampled_from(["start", "start", "kill", "disconnect", "list again", "delete", "crash"])
ROOMS = st.sampled_from([("r1",), ("r2",), ("r1", "r2"), ()])


@dataclass
class Holding:
    """A connection that a fanout holds."""

    user: str
    rooms: tuple[str, ...]
    beat_at: float

    @property
    def value(self) -> bytes:
        return lease(self.user, *self.rooms)


@dataclass
class Replica:
    rules: Rules
    connected: bool = True
    leads_until: float = 0
    tries_at: float = 0


@dataclass
class Listener:
    """What a fanout knows: by what it heard since it last asked."""

    asks: bool = True
    shown: set[Place] = field(default_factory=set)
    said: dict[Place, bool] = field(default_factory=dict)


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.keys: dict[str, tuple[bytes, float]] = {}
        """The bucket: value, and when it expires."""
        self.made = 0.0
        """When the bucket was."""
        self.holdings: dict[str, Holding] = {}
        self.cleanly: dict[Place, float] = {}
        """When somebody last left a room by a goodbye that the bucket heard."""
        self.numbers = 0
        self.nats = True
        self.lead: tuple[Replica, float] | None = None
        self.listener = Listener()
        self.replicas: list[Replica] = []
        self.start_a_replica()
        self.start_a_replica()
        self.wait_for(HOLD)

    # Replicas of presence

    def start_a_replica(self) -> None:
        if len(self.replicas) < 2 and self.nats:
            replica = Replica(Rules(damping=DAMPING, hold=HOLD, patience=PATIENCE))
            self.replicas.append(replica)
            self.begin(replica)

    def begin(self, replica: Replica, *, missed: bool = False) -> None:
        live = {name: value for name, (value, _) in self.keys.items()}
        whole = not missed and self.now - self.made >= HOLD
        replica.rules.began(live, whole=whole, now=self.now)
        replica.leads_until = replica.tries_at = 0

    # Trouble, which is less frequent than what people do

    @rule(trouble=TROUBLES, last=st.booleans())
    def suffer(self, trouble: str, last: bool) -> None:
        if trouble == "start":
            self.start_a_replica()
        elif trouble == "kill" and self.replicas:
            self.kill_a_replica(self.replicas.pop(-1 if last else 0))
        elif trouble == "disconnect":
            self.disconnect_replicas(self.hearing()[last:])
        elif trouble == "list again" and self.nats:
            for replica in self.hearing():
                self.begin(replica)
        elif trouble == "delete" and self.nats:
            self.delete_the_bucket()
        elif trouble == "crash" and self.nats:
            self.crash_nats()

    def kill_a_replica(self, replica: Replica) -> None:
        """Between its decision and what it would have sent."""
        if replica.connected and replica.leads_until > self.now:
            replica.rules.tick(self.now)

    def disconnect_replicas(self, replicas: list[Replica]) -> None:
        for replica in replicas:
            replica.connected = False
            replica.rules.doubt()
            replica.rules.lost()

    def delete_the_bucket(self) -> None:
        self.empty()
        for replica in self.hearing():
            self.begin(replica, missed=True)

    def crash_nats(self) -> None:
        self.nats = False
        for replica in self.hearing():
            replica.rules.doubt()
            replica.rules.lost()
        self.empty()

    @precondition(lambda self: not self.nats)
    @rule()
    def restart_nats(self) -> None:
        self.nats = self.listener.asks = True
        self.listener.said.clear()
        self.delete_the_bucket()

    @precondition(lambda self: self.nats and not all(each.connected for each in self.replicas))
    @rule()
    def reconnect_replicas(self) -> None:
        for replica in self.replicas:
            if not replica.connected:
                replica.connected = True
                self.begin(replica, missed=True)

    def empty(self) -> None:
        """The keys are gone, and the lead with them; holders beat when their time comes."""
        self.keys.clear()
        self.lead, self.made = None, self.now

    def hearing(self) -> list[Replica]:
        return [each for each in self.replicas if each.connected]

    # Connections

    @rule(user=USERS, rooms=ROOMS)
    def connect(self, user: str, rooms: tuple[str, ...]) -> None:
        self.numbers += 1
        name = key(user, f"c{self.numbers}")
        self.holdings[name] = Holding(user, rooms, self.now)
        self.beat()

    @precondition(lambda self: self.holdings)
    @rule(number=st.integers(0, 9), rooms=ROOMS)
    def go_elsewhere(self, number: int, rooms: tuple[str, ...]) -> None:
        name, holding = self.pick(number)
        self.note(name, holding, set(holding.rooms) - set(rooms))
        holding.rooms, holding.beat_at = rooms, self.now
        self.beat()

    @precondition(lambda self: self.holdings)
    @rule(number=st.integers(0, 9))
    def disconnect(self, number: int) -> None:
        name, holding = self.pick(number)
        del self.holdings[name]
        self.note(name, holding, set(holding.rooms))
        if self.nats and name in self.keys:
            del self.keys[name]
            for replica in self.hearing():
                replica.rules.ended(name, expired=False, now=self.now)

    @precondition(lambda self: self.holdings)
    @rule(number=st.integers(0, 9))
    def vanish(self, number: int) -> None:
        """With a fanout that was killed: the key remains until it expires."""
        del self.holdings[self.pick(number)[0]]

    def pick(self, number: int) -> tuple[str, Holding]:
        return list(self.holdings.items())[number % len(self.holdings)]

    def note(self, name: str, holding: Holding, rooms: set[str]) -> None:
        if name in self.keys:
            self.cleanly.update({(room, holding.user): self.now for room in rooms})

    def beat(self) -> None:
        for name, holding in self.holdings.items():
            if self.nats and holding.beat_at <= self.now:
                holding.beat_at = self.now + BEAT
                self.keys[name] = holding.value, self.now + TTL
                for replica in self.hearing():
                    replica.rules.extended(name, holding.value, self.now)

    # Time

    @rule(seconds=st.sampled_from([STEP, 2.0, 4.5, 5.5]))
    def wait(self, seconds: float) -> None:
        self.wait_for(seconds)

    @rule(seconds=st.sampled_from([5.5, 11.0, 13.0, 31.0]))
    def wait_long(self, seconds: float) -> None:
        self.wait_for(seconds)

    def wait_for(self, seconds: float) -> None:
        for _ in range(int(seconds / STEP)):
            self.step()

    def step(self) -> None:
        self.now += STEP
        self.beat()
        self.expire()
        for replica in self.hearing() if self.nats else []:
            self.take_lead(replica)
            replica.rules.tick(self.now)
            self.send(replica)
        self.ask()

    def expire(self) -> None:
        for name in [name for name, (_, until) in self.keys.items() if until <= self.now]:
            for place in places_of(self.keys.pop(name)[0]):
                self.cleanly.pop(place, None)
            for replica in self.hearing():
                replica.rules.ended(name, expired=True, now=self.now)

    def take_lead(self, replica: Replica) -> None:
        if replica.leads_until <= self.now:
            replica.rules.follow()
        if replica.tries_at > self.now:
            return
        replica.tries_at = self.now + RENEW
        if self.lead is None or self.lead[0] is replica or self.lead[1] <= self.now:
            replica.leads_until = self.now + LEAD
            self.lead = replica, replica.leads_until
            replica.rules.lead()

    # What is said

    def send(self, replica: Replica) -> None:
        rules = replica.rules
        others = [each.rules for each in self.hearing() if each is not replica]
        if rules.said.restated:
            assert rules.leading
            self.listener.asks = True
            self.listener.said.clear()
            for other in others:
                other.heard_restated(self.now)
        for room, joined, left in rules.said.take():
            assert rules.leading
            people = [rules.crowd.rooms[room].person(user) for user in joined]
            self.hear(room, people, left)
            for other in others:
                other.heard_joined(room, people, self.now)
                other.heard_left(room, left, self.now)

    def hear(self, room: str, joined: list[Person], left: list[str]) -> None:
        for user in [each.user for each in joined]:
            assert (room, user) in self.live(), "said to be here without a live key"
            self.alternate((room, user), joined=True)
            self.listener.shown.add((room, user))
        for user in left:
            assert (room, user) not in self.held(), "said to have left, but is connected"
            assert self.cleanly.get((room, user), -DAMPING) + DAMPING <= self.now, "not damped"
            self.alternate((room, user), joined=False)
            self.listener.shown.discard((room, user))

    def alternate(self, place: Place, *, joined: bool) -> None:
        assert self.listener.said.get(place) is not joined, f"{place} was said twice"
        self.listener.said[place] = joined

    def ask(self) -> None:
        known = [each.rules for each in self.hearing() if each.rules.known] if self.nats else []
        if not self.listener.asks or not known:
            return
        shown = set(shown_by(known[self.numbers % len(known)]))
        gone = self.listener.shown - shown
        assert not gone & self.held(), "somebody flickers"
        self.listener.asks, self.listener.shown = False, shown

    def live(self) -> set[Place]:
        return {place for value, _ in self.keys.values() for place in places_of(value)}

    def held(self) -> set[Place]:
        return {(room, holding.user) for holding in self.holdings.values() for room in holding.rooms}

    # What holds

    @precondition(lambda self: self.nats and self.hearing())
    @rule()
    def rest(self) -> None:
        self.wait_for(REST)
        live = self.live()
        assert live == self.held()
        assert self.listener.shown == live
        for replica in self.hearing():
            assert replica.rules.known
            assert set(shown_by(replica.rules)) == live

    @invariant()
    def whoever_answers_shows_everybody_who_has_a_live_key(self) -> None:
        for replica in self.hearing():
            if replica.rules.known and self.nats:
                assert self.live() <= set(shown_by(replica.rules))

    @invariant()
    def at_most_one_leads(self) -> None:
        assert sum(each.rules.leading for each in self.replicas) <= 1


def places_of(value: bytes) -> set[Place]:
    held = Lease.decode(value)
    return {(room, held.user) for room in held.rooms}


def shown_by(rules: Rules) -> Iterator[Place]:
    for name, room in rules.crowd.rooms.items():
        yield from ((name, user) for user in room.standings)


World.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestWorld = World.TestCase
