"""Pick some of what waits for several people, so that nobody waits behind another person's backlog."""

from collections.abc import Iterable
from typing import TypeVar

from bot.core.requests import Person
from bot.core.tally import Tally

_Item = TypeVar("_Item")


def fair_batch(waiting: Iterable[tuple[_Item, Person]], *, most: int, most_each: int) -> list[_Item]:
    """Return at most `most` items, the first ones of each person, and at most `most_each` of one."""
    taken: Tally[Person] = Tally()
    batch = []
    for item, person in waiting:
        if taken[person] < most_each:
            taken.add(person)
            batch.append(item)
            if len(batch) == most:
                break
    return batch
