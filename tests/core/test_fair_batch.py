"""A batch has the first items of everybody, and not many of one person."""

from bot.core.fairness import fair_batch

ALICE, BOB, CAROL = (("T0HOME00001", user) for user in ("U0ALICE0001", "U0BOB000001", "U0CAROL0001"))
WAITING = [(1, ALICE), (2, ALICE), (3, ALICE), (4, BOB), (5, BOB), (6, CAROL)]


def test_a_backlog_of_one_person_leaves_room_for_the_others() -> None:
    assert fair_batch(WAITING, most=5, most_each=2) == [1, 2, 4, 5, 6]


def test_a_batch_is_limited_even_if_many_people_wait() -> None:
    assert fair_batch(WAITING, most=3, most_each=2) == [1, 2, 4]
