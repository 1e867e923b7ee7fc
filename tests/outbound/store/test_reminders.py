"""Reminders: what a look leads to is recorded with its end, once, also if two leaders look."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from bot.outbound.store.reminders import Look, PausedSession, ReminderRows
from harness import SESSION
from harness.cards import Deadline
from harness.order_rows import order_row, rows_of, settled, told
from harness.product import State, Store, cards, outcomes, requests
from harness.stored import execute, fetch

pytestmark = pytest.mark.anyio

EARLY = 5.0


@pytest.fixture
def rows(store: Store) -> ReminderRows:
    return ReminderRows(store.database)


async def pause(store: Store, session: str = SESSION, age: float = 60.0, **values: object) -> None:
    row = order_row(session=session, age=age)
    await rows_of(store).write(told(row, outcomes.Paused(), settled_at=row.given_at))
    for name, value in values.items():
        await execute(store, f"UPDATE orders SET {name} = :value WHERE id = :id", value=value, id=row.id)  # noqa: S608


def reminder(*paused: PausedSession) -> cards.Card:
    parts = tuple(
        cards.Part(f"r-{one.order_id}", one.session_id, cards.ResultContent(one.order_id, "Remember", ()))
        for one in paused
    )
    return cards.Card(id=parts[0].id, team_id=paused[0].team_id, channel_id="C1", parts=parts)


async def tell(rows: ReminderRows, *paused: PausedSession) -> None:
    await rows.record([Look(one, is_told=True) for one in paused], [reminder(*paused)])


async def parts(store: Store) -> int:
    return len(await fetch(store, "SELECT id FROM parts"))


async def test_of_two_leaders_that_look_at_a_pause_one_tells_people(store: Store, rows: ReminderRows) -> None:
    await pause(store)
    (mine,), (theirs,) = [(await ReminderRows(store.database).due(EARLY))[0] for _ in range(2)]
    await rows.record([Look(mine, next_at=mine.now + 100, deadline=Deadline(mine.now + 200, is_default=True))], [])
    await tell(rows, theirs)
    found, next_in = await rows.due(EARLY)
    assert (await parts(store), found, round(next_in or 0) in {99, 100}) == (0, [], True)
    await execute(store, "UPDATE orders SET remind_at = remind_at - 100")
    (again,), _ = await rows.due(EARLY)
    assert again.deadline == Deadline(mine.now + 200, is_default=True)
    for _ in range(2):  # a commit without an answer is repeated
        await tell(rows, again)
    assert (await parts(store), await rows.due(EARLY)) == (1, ([], None))


LEFT_OUT: dict[str, Sequence[tuple[str, float]]] = {  # pauses of sessions, each with its age; the last one is due
    "paused again": [(SESSION, 120.0), (SESSION, 60.0)],
    "of days ago": [(str(uuid4()), 2 * 86_400.0), (SESSION, 60.0)],
}


@pytest.mark.parametrize("which", LEFT_OUT)
async def test_what_is_over_is_left_out_for_good_and_a_pause_that_comes_during_a_look_counts(
    store: Store, rows: ReminderRows, which: str
) -> None:
    for session, age in LEFT_OUT[which]:
        await pause(store, session, age)
    (recent,), _ = await rows.due(EARLY)
    assert 50 < recent.now - recent.paused_at < 70
    assert len(await fetch(store, "SELECT id FROM orders WHERE remind_at IS NULL")) == 1
    await pause(store, recent.session_id, age=1)
    await tell(rows, recent)
    assert await parts(store) == 0
    assert [one.order_id != recent.order_id for one in (await rows.due(EARLY))[0]] == [True]


@pytest.mark.parametrize("outcome", [outcomes.Ended(), outcomes.Failed(500), None])
async def test_nobody_is_reminded_while_a_session_is_being_ended_nor_once_it_was(
    store: Store, rows: ReminderRows, outcome: outcomes.Outcome | None
) -> None:
    end = order_row(requests.Verb.END, State.SENT, age=2)
    await pause(store)
    (one,), _ = await rows.due(EARLY)
    await rows_of(store).write(settled(end, outcome) if outcome else end)
    await tell(rows, one)
    assert await parts(store) == (1 if isinstance(outcome, outcomes.Failed) else 0)
    later, next_in = await rows.due(EARLY)
    assert (later, next_in is not None and 50 < next_in <= 60) == ([], outcome is None)


async def test_those_of_a_batch_come_with_its_first_one_and_only_those_that_are_still_wanted_are_parts(
    store: Store, rows: ReminderRows
) -> None:
    await pause(store)
    now = (await rows.due(EARLY))[0][0].now
    await execute(store, "DELETE FROM orders")
    for at, batch in ((-1.0, "b"), (200.0, "b"), (200.0, "other"), (400.0, "b"), (300.0, None)):
        await pause(store, str(uuid4()), batch_id=batch, remind_at=now + at)
    found, next_in = await rows.due(EARLY)
    assert [(one.batch_id, one.is_with_batch) for one in found] == [("b", False), ("b", True)]
    assert 100 < (next_in or 0) <= 200
    await pause(store, found[1].session_id, age=1)
    await tell(rows, *found)
    assert await parts(store) == 1


async def test_the_channels_of_alerts_are_known_and_a_session_that_has_ended_is_looked_at_now(
    store: Store, rows: ReminderRows
) -> None:
    await pause(store)
    (one,), _ = await rows.due(EARLY)
    await rows.record([Look(one, next_at=one.now + 500)], [reminder(one)])
    assert await parts(store) == 0, "nobody is told yet"
    await rows.look_now(one.team_id, [one.session_id])
    (again,), _ = await rows.due(EARLY)
    await tell(rows, again)
    assert await rows.channels(one.team_id, one.session_id) == []
    await execute(store, "UPDATE parts SET kind = 'alert'")
    assert await rows.channels(one.team_id, one.session_id) == ["C1"]
