"""Waiting items are taken in rotation of the people, within the limits of each and of all."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.fairness import FEW, Rotation

ALICE, BOB = ("T0HOME00001", "U0ALICE0001"), ("T0HOME00001", "U0BOB000001")


def take_all(rotation: Rotation[str]) -> list[str]:
    taken = []
    while (one := rotation.take()) is not None:
        taken.append(one)
    return taken


def name(team: int, user: int = 0) -> tuple[str, str]:
    return f"T{team}", f"U{user}"


Item = tuple[tuple[str, str], int]


def filled(rotation: Rotation[Item], *people: tuple[str, str], each: int = 1_000) -> list[tuple[str, str]]:
    """Let each of these people wait for so many items, and take all that can be taken: whose are they?"""
    for person in people:
        for number in range(each):
            rotation.add((person, number), person)
    taken = []
    while (one := rotation.take()) is not None:
        taken.append(one[0])
    return taken


def test_places_are_kept_for_people_who_have_few() -> None:
    rotation: Rotation[Item] = Rotation(most=400, most_each=400)
    assert len(filled(rotation, name(1))) == 380
    assert len(filled(rotation, name(1, 2))) == FEW
    assert len(filled(rotation, name(2), each=1)) == 1


def test_a_workspace_takes_half_of_the_places_while_another_one_waits() -> None:
    rotation: Rotation[Item] = Rotation(most=400, most_each=100)
    one, other = [name(1, user) for user in range(5)], [name(2, user) for user in range(5)]
    assert len(filled(rotation, *one)) == 380
    assert len(filled(rotation, *other)) == 20
    for number in range(180):
        rotation.give_back(one[number % 5])
    assert set(filled(rotation, each=0)) == set(other), "the first has half of all places"
    for number in range(30):
        rotation.give_back(one[number % 5])
    assert set(filled(rotation, each=0)) == {*one, *other}


def test_a_new_item_does_not_send_its_person_to_the_end() -> None:
    rotation: Rotation[str] = Rotation(most=1, most_each=1)
    for item, person in (("a1", ALICE), ("b1", BOB), ("a2", ALICE)):
        rotation.add(item, person)
    assert take_all(rotation) == ["a1"]


@given(
    st.integers(1, 41),
    st.integers(1, 15),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=200),
)
def test_the_limits_hold_and_no_place_stays_free_without_a_reason(
    most: int, most_each: int, steps: list[tuple[int, int, bool]]
) -> None:
    rotation: Rotation[int] = Rotation(most=most, most_each=most_each)
    taken: list[tuple[str, str]] = []
    waiting: dict[int, tuple[str, str]] = {}
    for number, (team, user, is_end) in enumerate(steps):
        if is_end and taken:
            rotation.give_back(taken.pop(0))
        else:
            waiting[number] = name(team, user)
            rotation.add(number, name(team, user))
        while (one := rotation.take()) is not None:
            taken.append(waiting.pop(one))
        assert len(taken) <= most
        assert all(taken.count(person) <= most_each for person in taken)
        able = {one for one in waiting.values() if taken.count(one) < min(most_each, FEW)}
        teams = {one[0] for one in waiting.values()}
        halves = {team for team in teams if 2 * sum(one[0] == team for one in taken) >= most}
        assert len(taken) == most or all(one[0] in halves and len(teams) > 1 for one in able)
