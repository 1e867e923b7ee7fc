"""Waiting items are taken in rotation of the people, within the limits of each and of all."""

from bot.core.fairness import Rotation

ALICE, BOB = ("T0HOME00001", "U0ALICE0001"), ("T0HOME00001", "U0BOB000001")


def take_all(rotation: Rotation[str]) -> list[str]:
    taken = []
    while (one := rotation.take()) is not None:
        taken.append(one[0])
    return taken


def test_nobody_takes_more_than_their_part_until_something_is_given_back() -> None:
    rotation: Rotation[str] = Rotation(most=3, most_each=2)
    for item in ("a1", "a2", "a3"):
        rotation.add(item, ALICE)
    assert take_all(rotation) == ["a1", "a2"]
    for item in ("b1", "b2"):
        rotation.add(item, BOB)
    assert take_all(rotation) == ["b1"]
    rotation.give_back(ALICE)
    assert take_all(rotation) == ["b2"]
    rotation.give_back(BOB)
    rotation.give_back(BOB)
    assert take_all(rotation) == ["a3"]
    assert len(rotation) == 0


def test_an_item_that_waits_for_two_people_is_taken_once_by_the_first() -> None:
    rotation: Rotation[str] = Rotation(most=10, most_each=1)
    for item in ("a1", "shared"):
        rotation.add(item, ALICE)
    for _ in range(2):
        rotation.add("shared", BOB)
    assert take_all(rotation) == ["a1", "shared"]
    rotation.give_back(ALICE)
    rotation.give_back(BOB)
    assert take_all(rotation) == []
    assert rotation.count(ALICE) == rotation.count(BOB) == 0
