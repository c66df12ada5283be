"""The rules, one at a time; `test_rules_machine.py` mixes them."""

import pytest
from attendance import key, lease

from events.presence import Person
from presence.rules import Rules

DAMPING, HOLD, PATIENCE = 5.0, 12.0, 15.0
Said = list[tuple[str, list[str], list[str]]]


class Told:
    """Rules with a clock of their own, and what they let be said."""

    def __init__(self, *users: str, leads: bool = True) -> None:
        """Since so long that it knows what was announced; the users were here when it began."""
        self.rules = Rules(damping=DAMPING, hold=HOLD, patience=PATIENCE)
        self.now = 0.0
        self.begin(*users)
        self.wait(HOLD)
        if leads:
            self.rules.lead()
            assert self.wait(0) == []
            assert self.restated
        else:
            self.wait(3 * PATIENCE)

    def begin(self, *users: str, whole: bool = True) -> None:
        self.rules.began({key(user): lease(user, "lobby") for user in users}, whole=whole, now=self.now)

    def wait(self, seconds: float) -> Said:
        """What is said after so long."""
        self.now += seconds
        self.rules.tick(self.now)
        self.restated = self.rules.said.restated
        return self.rules.said.take() if self.rules.leading else []

    def extend(self, user: str, *rooms: str, connection: str = "c1", **more: object) -> None:
        value = lease(user, *(rooms or ("lobby",)), **more)  # type: ignore[arg-type]
        self.rules.extended(key(user, connection), value, self.now)

    def end(self, user: str, connection: str = "c1", *, expired: bool = False) -> None:
        self.rules.ended(key(user, connection), expired=expired, now=self.now)

    def shown(self, room: str = "lobby") -> list[str]:
        found = self.rules.crowd.rooms.get(room)
        return [] if found is None else sorted(found.standings)

    def person(self, user: str) -> Person:
        return self.rules.crowd.rooms["lobby"].person(user)


@pytest.fixture
def told() -> Told:
    return Told()


def joined(*users: str, room: str = "lobby") -> Said:
    return [(room, list(users), [])]


def left(*users: str, room: str = "lobby") -> Said:
    return [(room, [], list(users))]


def test_a_first_connection_is_said_at_once_and_a_second_is_not(told: Told) -> None:
    told.extend("u1")
    assert told.wait(0) == joined("u1")
    told.extend("u1", connection="c2")
    assert told.wait(60) == []


def test_a_heartbeat_says_nothing(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    for _ in range(10):
        told.extend("u1")
    assert told.wait(60) == []
    assert told.rules.heard == 11


def test_only_the_last_connection_out_leaves(told: Told) -> None:
    told.extend("u1")
    told.extend("u1", connection="c2")
    told.wait(0)
    told.end("u1")
    assert told.wait(60) == []
    told.end("u1", "c2")
    assert told.wait(DAMPING) == left("u1")
    assert told.shown() == []


def test_who_said_goodbye_is_shown_until_it_is_said_that_they_left(told: Told) -> None:
    told.extend("u1", name="Ann", activity="idle")
    told.wait(0)
    told.end("u1")
    assert told.wait(DAMPING - 0.1) == []
    assert told.person("u1") == Person(user="u1", name="Ann", activity="idle")
    assert told.wait(0.1) == left("u1")


def test_who_comes_back_within_the_damping_did_neither_leave_nor_join(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.end("u1")
    told.wait(DAMPING - 0.1)
    told.extend("u1", connection="c2")
    assert told.wait(60) == []
    assert told.shown() == ["u1"]


def test_each_goodbye_has_its_own_damping(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.end("u1")
    told.wait(DAMPING - 1)
    told.extend("u1")
    told.wait(0.5)
    told.end("u1")
    assert told.wait(DAMPING - 0.1) == []
    assert told.wait(0.1) == left("u1")


def test_a_lease_that_expired_was_waited_for_already(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.end("u1", expired=True)
    assert told.wait(0) == left("u1")


def test_one_lease_speaks_for_all_its_rooms(told: Told) -> None:
    told.extend("u1", "r1", "r2")
    assert told.wait(0) == joined("u1", room="r1") + joined("u1", room="r2")
    told.extend("u1", "r2", "r3")
    assert told.wait(0) == joined("u1", room="r3")
    assert told.wait(DAMPING) == left("u1", room="r1")
    assert told.rules.crowd.places == {"u1": {"r2", "r3"}}


def test_a_lease_that_cannot_be_read_is_none(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.rules.extended(key("u1"), b"{", told.now)
    assert told.wait(0) == left("u1")
    assert told.rules.unreadable == 1


def test_a_key_that_names_another_user_now_is_another_connection(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.rules.extended(key("u1"), lease("u2", "lobby"), told.now)
    assert told.wait(0) == [("lobby", ["u2"], ["u1"])]
    assert list(told.rules.crowd.users) == ["u2"]


def test_name_and_avatar_are_of_the_newest_connection_and_any_active_one_counts(told: Told) -> None:
    told.extend("u1", name="New", activity="idle", since=2)
    told.extend("u1", connection="c2", name="Old", activity="active", since=1)
    assert told.person("u1") == Person(user="u1", name="New", activity="active")
    told.extend("u1", connection="c2", name="Old", activity="idle", since=1)
    assert told.person("u1").activity == "idle"


def test_what_two_transitions_undo_before_they_are_sent_is_not_sent(told: Told) -> None:
    told.extend("u1")
    told.rules.tick(told.now)
    told.end("u1", expired=True)
    assert told.wait(0) == []
    assert told.shown() == []


def test_who_came_and_went_during_a_hold_was_seen() -> None:
    seen: list[tuple[str, str]] = []
    rules = Rules(
        damping=DAMPING, hold=HOLD, patience=PATIENCE, seen=lambda room, user: seen.append((room, user))
    )
    rules.began({}, whole=True, now=0)
    rules.lead()
    rules.extended(key("u1"), lease("u1", "lobby"), 1)
    rules.ended(key("u1"), expired=False, now=2)
    rules.tick(HOLD)
    assert seen == [("lobby", "u1")]


def test_during_a_hold_nothing_is_said_and_at_its_end_the_differences_are(told: Told) -> None:
    for user in ("stays", "goes"):
        told.extend(user)
    told.wait(0)
    told.rules.lost()
    assert told.wait(60) == []
    assert not told.rules.known
    told.begin(whole=False)
    told.rules.lead()
    told.extend("stays")
    told.extend("comes")
    assert told.wait(HOLD - 0.1) == []
    assert told.shown() == ["comes", "goes", "stays"]
    assert told.wait(0.1) == [("lobby", ["comes"], ["goes"])]
    assert told.rules.known


def test_while_leases_cannot_be_followed_nothing_is_forgotten(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.end("u1")
    told.rules.lost()
    told.wait(DAMPING + 2 * PATIENCE)
    told.begin(whole=False)
    told.rules.lead()
    assert told.wait(HOLD) == left("u1")


def test_at_the_end_of_a_hold_who_said_goodbye_a_moment_ago_is_still_waited_for(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.begin(whole=False)
    told.rules.lead()
    told.extend("u1")
    told.wait(HOLD - 1)
    told.end("u1")
    assert told.wait(1) == []
    assert told.wait(DAMPING - 1) == left("u1")


def test_who_knows_all_again_without_a_hold_waits_for_those_who_are_missing_only(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.begin("u2")
    told.rules.lead()
    assert told.wait(0) == joined("u2")
    assert told.wait(DAMPING) == left("u1")


def test_one_that_starts_answers_at_once_and_says_nothing_for_a_while() -> None:
    rules = Rules(damping=DAMPING, hold=HOLD, patience=PATIENCE)
    rules.tick(100)
    assert (rules.known, bool(rules.said)) == (False, False)
    rules.began({key("u1"): lease("u1", "lobby")}, whole=True, now=100)
    rules.lead()
    rules.tick(100 + HOLD - 0.1)
    assert (rules.known, bool(rules.said)) == (True, False)
    rules.tick(100 + HOLD)
    assert rules.said.restated
    assert rules.said.take() == []


def test_what_could_not_be_sent_makes_all_ask_anew(told: Told) -> None:
    told.extend("u1")
    assert told.wait(0) == joined("u1")
    told.rules.doubt()
    assert told.wait(0) == []
    assert told.restated


def test_what_waited_when_the_lead_was_lost_makes_all_ask_anew_if_nobody_else_led(told: Told) -> None:
    told.extend("u1")
    told.rules.tick(told.now)
    told.rules.follow()
    assert not told.rules.said
    told.rules.lead()
    assert told.wait(1) == []
    assert told.restated


def test_a_lead_that_is_lost_and_taken_again_with_nothing_unsaid_says_nothing(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.rules.follow()
    told.rules.lead()
    assert told.wait(60) == []
    assert not told.restated


def test_who_was_here_when_a_follower_began_was_announced_by_another() -> None:
    told = Told("u1", leads=False)
    told.rules.lead()
    assert told.wait(0) == []
    told.end("u1")
    assert told.wait(DAMPING) == left("u1")


# One that follows


@pytest.fixture
def follower() -> Told:
    return Told(leads=False)


def test_a_follower_says_what_the_leader_had_not_said_when_it_died(follower: Told) -> None:
    follower.extend("said")
    follower.extend("unsaid")
    follower.rules.heard_joined("lobby", [Person(user="said")], follower.now)
    follower.wait(7)
    follower.rules.lead()
    assert follower.wait(0) == joined("unsaid")
    assert not follower.restated


def test_a_follower_shows_who_was_announced_until_it_hears_that_they_left(follower: Told) -> None:
    follower.extend("u1")
    follower.rules.heard_joined("lobby", [Person(user="u1")], follower.now)
    follower.end("u1", expired=True)
    follower.wait(1)
    assert follower.shown() == ["u1"]
    follower.rules.heard_left("lobby", ["u1", "nobody"], follower.now)
    assert follower.shown() == []


def test_a_follower_shows_whom_it_hears_of_before_it_sees_their_lease(follower: Told) -> None:
    follower.rules.heard_joined("lobby", [Person(user="u1", name="Ann")], follower.now)
    assert follower.person("u1").name == "Ann"
    follower.extend("u1")
    follower.rules.lead()
    assert follower.wait(60) == []


def test_what_a_follower_waits_for_in_vain_was_said_before_it_listened(follower: Told) -> None:
    follower.extend("u1")
    follower.wait(PATIENCE)
    follower.rules.lead()
    assert follower.wait(0) == []
    assert not follower.restated


def test_a_follower_does_not_wait_for_ever_to_hear_that_somebody_left(follower: Told) -> None:
    follower.rules.heard_joined("lobby", [Person(user="u1")], follower.now)
    follower.wait(DAMPING + PATIENCE - 0.1)
    assert follower.shown() == ["u1"]
    follower.wait(0.1)
    assert follower.shown() == []


def test_who_is_said_to_have_left_and_is_here_is_said_to_have_joined_by_the_next_leader(
    follower: Told,
) -> None:
    follower.extend("u1")
    follower.rules.heard_joined("lobby", [Person(user="u1")], follower.now)
    follower.rules.heard_left("lobby", ["u1"], follower.now)
    assert follower.shown() == ["u1"]
    follower.rules.lead()
    assert follower.wait(0) == joined("u1")


def test_a_follower_that_has_not_listened_for_long_makes_all_ask_anew_when_it_leads() -> None:
    told = Told(leads=False)
    told.rules.doubt()
    told.wait(PATIENCE)
    told.extend("u1")
    told.rules.lead()
    assert told.wait(0) == []
    assert told.restated
    assert told.wait(60) == []


def test_one_that_leads_does_not_listen_to_another(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.rules.heard_left("lobby", ["u1"], told.now)
    told.rules.heard_joined("lobby", [Person(user="u2")], told.now)
    told.rules.heard_restated(told.now)
    assert told.wait(60) == []
    assert told.shown() == ["u1"]


def test_after_all_were_told_to_ask_anew_a_follower_has_nothing_to_say(follower: Told) -> None:
    follower.extend("u1")
    follower.extend("u2")
    follower.end("u2")
    follower.rules.heard_restated(follower.now)
    follower.rules.lead()
    assert follower.wait(0) == []
    assert follower.wait(DAMPING) == left("u2")


def test_whoever_looks_different_is_shown_anew_once(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.extend("u1", activity="idle")
    assert told.wait(0) == []
    assert told.rules.said.take_changed() == [("lobby", ["u1"])]
    told.extend("u1", activity="idle")
    told.wait(60)
    assert told.rules.said.take_changed() == []
    assert told.person("u1").activity == "idle"


def test_a_second_device_that_turns_away_changes_nothing_for_the_others(told: Told) -> None:
    told.extend("u1")
    told.extend("u1", connection="c2", activity="idle")
    told.wait(0)
    told.end("u1", "c2")
    told.wait(60)
    assert told.rules.said.take_changed() == []


def test_whoever_closes_the_device_that_was_looked_at_is_idle_on_the_other(told: Told) -> None:
    told.extend("u1", connection="c1", activity="idle")
    told.extend("u1", connection="c2")
    told.wait(0)
    told.end("u1", "c2")
    assert told.rules.said.take_changed() == [("lobby", ["u1"])]


def test_whoever_leaves_is_not_shown_anew(told: Told) -> None:
    told.extend("u1")
    told.wait(0)
    told.extend("u1", activity="idle")
    told.end("u1", expired=True)
    assert told.wait(0) == left("u1")
    assert told.rules.said.take_changed() == []


def test_one_that_follows_shows_nobody_anew(follower: Told) -> None:
    follower.extend("u1")
    follower.rules.heard_joined("lobby", [follower.person("u1")], follower.now)
    follower.extend("u1", activity="idle")
    assert not follower.rules.said
