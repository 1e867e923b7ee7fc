"""Reminders: a look at a pause belongs to one process, and what it leads to is recorded with its end."""

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from bot.outbound.store.reminders import Look, ReminderRows
from harness import SESSION
from harness.order_rows import order_row, rows_of, settled, told
from harness.product import State, Store, cards, outcomes, requests
from harness.stored import execute, fetch

pytestmark = pytest.mark.anyio


async def pause(store: Store, session: str = SESSION, age: float = 60.0) -> None:
    row = order_row(session=session, age=age)
    await rows_of(store).write(told(row, outcomes.Paused(), settled_at=row.given_at))


def reminder(one: Any, *, reminds: bool = True) -> cards.NewCard:
    content = cards.ResultContent(one.order_id, "Remember", (), reminds=one.user_id if reminds else "")
    return cards.NewCard(f"card {one.order_id}", one.team_id, "C1", one.session_id, content)


async def posts(store: Store) -> list[tuple[object, ...]]:
    return await fetch(store, "SELECT channel_id FROM cards")


async def test_a_pause_that_is_due_belongs_to_one_process_for_a_minute(store: Store) -> None:
    one, other = ReminderRows(store.database), ReminderRows(store.database)
    await pause(store)
    (mine,), _ = await one.claim()
    nothing, next_in = await other.claim()
    assert (nothing, next_in is not None and 50 < next_in <= 60) == ([], True)
    await execute(store, "UPDATE orders SET remind_at = remind_at - 60")
    await asyncio.sleep(0.01)
    (taken,), _ = await other.claim()
    await one.record([Look(mine, cards=[reminder(mine)])])  # it was frozen meanwhile
    assert await posts(store) == []
    await other.record([Look(taken, cards=[reminder(taken)])])
    assert await posts(store) == [("C1",)]
    assert await one.claim() == ([], None)


async def test_a_pause_is_left_out_once_its_session_was_resumed_or_paused_again(store: Store) -> None:
    rows = ReminderRows(store.database)
    await pause(store, age=120)
    await pause(store, age=60)
    found, _ = await rows.claim()
    assert len(found) == 1
    assert 50 < found[0].now - found[0].paused_at < 70


async def test_a_pause_of_days_ago_is_left_out_and_a_later_one_while_it_is_looked_at_counts(store: Store) -> None:
    rows = ReminderRows(store.database)
    await pause(store, age=2 * 86_400)
    await pause(store, str(uuid4()), age=60)
    (recent,), _ = await rows.claim()
    await pause(store, recent.session_id, age=1)
    await rows.record([Look(recent, cards=[reminder(recent)])])
    assert await posts(store) == []
    assert [one.order_id != recent.order_id for one in (await rows.claim())[0]] == [True]


@pytest.mark.parametrize("outcome", [outcomes.Ended(), outcomes.Failed(500), None])
async def test_nobody_is_reminded_while_a_session_is_being_ended_nor_once_it_was(
    store: Store, outcome: outcomes.Outcome | None
) -> None:
    rows, end = ReminderRows(store.database), order_row(requests.Verb.END, State.SENT, age=2)
    await pause(store)
    (one,), _ = await rows.claim()
    await rows_of(store).write(settled(end, outcome) if outcome else end)
    await rows.record([Look(one, cards=[reminder(one)])])
    assert await posts(store) == ([("C1",)] if isinstance(outcome, outcomes.Failed) else [])
    later, next_in = await rows.claim()
    assert (later, next_in is not None and 50 < next_in <= 60) == ([], outcome is None)


async def test_beyond_twenty_they_are_lists_and_the_channels_of_alerts_are_known(store: Store) -> None:
    """Other results do not count."""
    rows = ReminderRows(store.database)
    for _ in range(40):
        await pause(store, str(uuid4()))
    found, _ = await rows.claim()
    await rows.record([Look(one, cards=[reminder(one, reminds=False)]) for one in found[:5]])
    await rows.record([Look(one, cards=[reminder(one)]) for one in found[5:]])
    contents = [json.loads(str(text)) for (text,) in await fetch(store, "SELECT content FROM cards")]
    assert sorted(Counter(one["group"] for one in contents).values()) == [3, 12, 25]
    assert await rows.channels(found[0].team_id, found[0].session_id) == []
    await execute(store, "UPDATE cards SET kind = 'alert' WHERE session_id = :one", one=found[0].session_id)
    assert await rows.channels(found[0].team_id, found[0].session_id) == ["C1"]
