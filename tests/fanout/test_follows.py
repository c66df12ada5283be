"""Who asked for whom: the last question of each counts."""

from fanout.follows import Follows


def test_a_question_replaces_the_one_before_and_says_who_is_followed_by_nobody_now() -> None:
    follows: Follows[int] = Follows()
    assert follows.replace(1, ["ann", "bob"]) == []
    assert follows.replace(2, ["bob"]) == []
    assert set(follows.by("bob")) == {1, 2}
    assert follows.replace(1, ["cid"]) == ["ann"]
    assert (follows.of(1), follows.of(2), follows.of(3)) == (["cid"], ["bob"], ())
    assert "ann" not in follows
    assert sorted(follows.users) == ["bob", "cid"]
    assert follows.replace(2, ()) == ["bob"]
    assert (follows.followers, list(follows.by("bob"))) == ([1], [])
