"""Turns come in rotation of the people, within the limits of each and of all."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bot.core.orders import Person
from bot.usecases.queue import FEW, FairQueue, Turn

ALICE, BOB = ("T0HOME00001", "U0ALICE0001"), ("T0HOME00001", "U0BOB000001")


def name(team: int, user: int = 0) -> Person:
    return f"T{team}", f"U{user}"


class Watched:
    """A queue, and whose turns have come since the last look."""

    def __init__(self, *, most: int, most_each: int) -> None:
        self.queue = FairQueue(most=most, most_each=most_each)
        self.waiting: list[tuple[str, Turn]] = []

    def wait(self, person: Person, label: str = "") -> None:
        self.waiting.append((label, self.queue.turn(person)))

    def come(self) -> list[tuple[str, Person]]:
        found = [(label, turn) for label, turn in self.waiting if turn.has_come]
        self.waiting = [one for one in self.waiting if one not in found]
        return [(label, turn.person) for label, turn in found]

    def filled(self, *people: Person, each: int = 1_000) -> list[Person]:
        """Let each of these people wait for so many turns. Whose have come?"""
        for person in people:
            for _ in range(each):
                self.wait(person)
        return [person for _, person in self.come()]


async def test_places_are_kept_for_people_who_have_few() -> None:
    watched = Watched(most=400, most_each=400)
    assert len(watched.filled(name(1))) == 380
    assert len(watched.filled(name(1, 2))) == FEW
    assert len(watched.filled(name(2), each=1)) == 1


async def test_a_workspace_takes_half_of_the_places_while_another_one_waits() -> None:
    watched = Watched(most=400, most_each=100)
    one, other = [name(1, user) for user in range(5)], [name(2, user) for user in range(5)]
    taken = watched.filled(*one)
    assert (len(taken), len(watched.filled(*other))) == (390, 10)
    for _ in range(190):
        watched.queue.end(taken.pop())
    assert {person[0] for person in watched.filled()} == {"T2"}, "the first has half of all places"
    for _ in range(90):
        watched.queue.end(taken.pop())
    assert {person[0] for person in watched.filled()} == {"T1", "T2"}


async def test_a_new_turn_does_not_send_its_person_to_the_end() -> None:
    watched = Watched(most=1, most_each=1)
    watched.wait(BOB, "b0")
    for label, person in (("a1", ALICE), ("b1", BOB), ("a2", ALICE)):
        watched.wait(person, label)
    for label, person in (("b0", BOB), ("a1", ALICE), ("b1", BOB), ("a2", ALICE)):
        assert watched.come() == [(label, person)]
        watched.queue.end(person)


@given(
    st.integers(1, 41),
    st.integers(1, 15),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), max_size=200),
)
def test_the_limits_hold_and_no_place_stays_free_without_a_reason(
    most: int, most_each: int, steps: list[tuple[int, int, bool]]
) -> None:
    asyncio.run(hold(Watched(most=most, most_each=most_each), steps, most, most_each))


async def hold(watched: Watched, steps: list[tuple[int, int, bool]], most: int, most_each: int) -> None:
    taken: list[Person] = []
    for team, user, is_end in steps:
        if is_end and taken:
            watched.queue.end(taken.pop(0))
        else:
            watched.wait(name(team, user))
        taken += [person for _, person in watched.come()]
        assert len(taken) <= most
        assert all(taken.count(person) <= most_each for person in taken)
        waiting = {turn.person for _, turn in watched.waiting}
        able = {one for one in waiting if taken.count(one) < min(most_each, FEW)}
        teams = {one[0] for one in waiting}
        halves = {team for team in teams if 2 * sum(one[0] == team for one in taken) >= most}
        assert len(taken) == most or all(one[0] in halves and len(teams) > 1 for one in able)
