"""Reminders: what a look leads to is recorded with its end, once, also if two leaders look."""

from collections.abc import Sequence
from uuid import uuid4

import pytest

from bot.outbound.store.reminders import PausedSession, ReminderRows
from harness import SESSION
from harness.cards import Deadline
from harness.order_rows import order_row, rows_of, settled, told
from harness.product import SessionId, State, Store, cards, orders, outcomes
from harness.stored import ACME, execute, fetch

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
    await rows.record(paused, [reminder(*paused)])


async def parts(store: Store) -> int:
    return len(await fetch(store, "SELECT id FROM parts"))


async def test_of_two_leaders_that_look_at_a_pause_one_tells_people(store: Store, rows: ReminderRows) -> None:
    await pause(store, ends_at=9e9, ends_by_default=1)
    (mine,), (theirs,) = [(await ReminderRows(store.database).due(EARLY))[0] for _ in range(2)]
    assert mine.deadline == Deadline(9e9, is_default=True)
    for one in (mine, theirs, theirs):
        await tell(rows, one)
    assert (await parts(store), await rows.due(EARLY)) == (1, ([], None))


LEFT_OUT: dict[str, Sequence[tuple[str, float]]] = {  # pauses of sessions, each with its age; the last one is due
    "paused again": [(SESSION, 120.0), (SESSION, 60.0)],
    "of days ago": [(str(uuid4()), 2 * 86_400.0), (SESSION, 60.0)],
}


@pytest.mark.parametrize("which", LEFT_OUT)
async def test_what_is_over_is_left_out_for_good(store: Store, rows: ReminderRows, which: str) -> None:
    for session, age in LEFT_OUT[which]:
        await pause(store, session, age)
    found, _ = await rows.due(EARLY)
    (recent,) = [one for one in found if not one.is_over]
    assert 50 < recent.now - recent.paused_at < 70
    await rows.record([one for one in found if one.is_over], [])
    assert len(await fetch(store, "SELECT id FROM orders WHERE remind_at IS NULL")) == 1
    await pause(store, recent.session_id, age=1)
    await tell(rows, recent)
    assert await parts(store) == 0
    assert [one.order_id != recent.order_id for one in (await rows.due(EARLY))[0]] == [True]


@pytest.mark.parametrize("outcome", [outcomes.Ended(), outcomes.Failed(500), None])
async def test_nobody_is_reminded_while_a_session_is_being_ended_nor_once_it_was(
    store: Store, rows: ReminderRows, outcome: outcomes.Outcome | None
) -> None:
    end = order_row(orders.Verb.END, State.SENT, age=2)
    await pause(store)
    (one,), _ = await rows.due(EARLY)
    await rows_of(store).write(settled(end, outcome) if outcome else end)
    await tell(rows, one)
    assert await parts(store) == (1 if isinstance(outcome, outcomes.Failed) else 0)
    is_kept = await fetch(store, "SELECT id FROM orders WHERE remind_at IS NOT NULL")
    assert (await rows.due(EARLY), bool(is_kept)) == (([], None), outcome is None)


async def test_those_of_a_batch_come_with_its_first_one(store: Store, rows: ReminderRows) -> None:
    await pause(store)
    now = (await rows.due(EARLY))[0][0].now
    await execute(store, "DELETE FROM orders")
    for at, batch in ((-1.0, "b"), (200.0, "b"), (200.0, "other"), (400.0, "b"), (300.0, None)):
        await pause(store, str(uuid4()), batch_id=batch, remind_at=now + at)
    found, next_in = await rows.due(EARLY)
    assert [one.batch_id for one in found] == ["b", "b"]
    assert 100 < (next_in or 0) <= 200
    await pause(store, found[1].session_id, age=1)
    await tell(rows, *found)
    assert await parts(store) == 1


async def test_of_a_session_that_is_gone_people_are_told_if_it_was_read(store: Store, rows: ReminderRows) -> None:
    await pause(store, remind_at=9e9)
    assert await rows.of_sessions(ACME.team_id, [], [SessionId(SESSION)]) == []
    (one,) = await rows.of_sessions(ACME.team_id, [SessionId(SESSION)], [])
    await execute(store, "UPDATE orders SET ends_by_default = 0")
    assert [found.order_id for found in await rows.of_sessions(ACME.team_id, [], [SessionId(SESSION)])] == [
        one.order_id
    ]
