"""Past orders and the state of sessions, and what is deleted when it is old."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from bot.outbound.store.history import BATCH, OrderHistory, SessionStates, prune
from harness.cards import card, messages_of
from harness.databases import KEY
from harness.order_rows import order_row, rows_of, settled, told
from harness.product import Secret, Store, history, open_store, outcomes, requests, workspace
from harness.product import outcomes as out
from harness.stored import ACME, DAY, GLOBEX, execute, fetch
from harness.texts import SESSION

ALICE, BOB = "U0ALICE0001", "U0BOB000001"
PATIENT = 60.0  # seconds that a read can take on a busy machine
OFF, ON = workspace.AutoPause.OFF, workspace.AutoPause.ON


async def fill(store: Store) -> None:
    """Let there be an order and a change of each age from 4 to 0 hours, in turn, of two workspaces."""
    teams = (ACME.team_id, GLOBEX.team_id)
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
    orders = [order_row(user=BOB, team=teams[age % 2], age=3_600.0 * age) for age in (0, 2, 4)]
    await rows_of(store).write(*(told(one, outcomes.Paused()) for one in orders))
    for age, mode in ((3, ON), (1, OFF)):
        before = OFF if mode is ON else ON
        assert await store.rows.set_auto_pause(GLOBEX.team_id, mode, before=before, by=ALICE)
        await execute(
            store, "UPDATE audit SET at = at - :age WHERE content = :mode", age=3_600.0 * age, mode=mode.value
        )
    await execute(store, "DELETE FROM audit WHERE what = 'this app'")


async def read(store: Store, **where: object) -> list[tuple[str, str, str]]:
    """Read all in pages of two."""
    found: list[history.PastOrder] = []
    while page := await OrderHistory(store.database, PATIENT).next_page(found[-1] if found else None, most=2, **where):
        assert len(page) <= 2
        found += page
    return [(one.verb, one.reason, one.user_id) for one in found]


async def test_changes_of_settings_are_between_the_orders(store: Store) -> None:
    await fill(store)
    order, on, off = ("pause", "it loops", BOB), *(("set", f"pauses by alerts: {one}", ALICE) for one in (ON, OFF))
    assert await read(store) == [order, on, order, off, order]
    (now,) = await OrderHistory(store.database, PATIENT).newest(most=1) or []
    assert await read(store, since=now.given_at - 5_000.0) == [off, order]
    assert await read(store, team_id=GLOBEX.team_id) == [on, off]
    assert await read(store, user_id=ALICE) == [on, off]
    assert await read(store, user_id=BOB) == [order] * 3
    assert await read(store, session_id=now.session_id) == [order] * 3
    newest = await OrderHistory(store.database, PATIENT).newest(since=now.given_at - DAY, most=10) or []
    assert [one.verb for one in newest] == ["pause", "set", "pause", "set", "pause"]


async def test_the_orders_of_a_batch_are_read_by_its_id(store: Store) -> None:
    batch = [replace(one, order=replace(one.order, batch_id="0193")) for one in (order_row() for _ in range(30))]
    done = [told(one, outcomes.Paused()) for one in batch[:20]]
    await rows_of(store).write(order_row(age=60.0), *done, *batch[20:], order_row())
    assert len(await OrderHistory(store.database, PATIENT).newest(batch_id="0193", most=100) or []) == 30
    await execute(store, f"UPDATE orders SET outcome = 'Foreseen' WHERE id = '{done[0].id}'")  # noqa: S608
    found_in_batch = await SessionStates(store.database, PATIENT).of_batch(ACME.team_id, "0193")
    kinds = Counter(type(one.outcome) for one in found_in_batch)
    assert kinds == {outcomes.Paused: 19, type(None): 10, outcomes.Broken: 1}


WEEK = 7 * DAY
DOUBT = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)
PAUSE, RESUME, END = requests.Verb
PAUSED = (PAUSE, outcomes.Paused())


@pytest.mark.parametrize(
    ("orders", "is_paused"),
    [
        ([PAUSED], True),
        ([PAUSED, (PAUSE, outcomes.Failed(500))], True),
        ([PAUSED, (RESUME, outcomes.Refusal(outcomes.Why.OVERLOADED))], True),
        ([PAUSED, (PAUSE, None)], True),
        ([PAUSED, (END, DOUBT)], True),
        ([PAUSED, (RESUME, outcomes.Resumed())], False),
        ([PAUSED, (RESUME, DOUBT)], False),
        ([PAUSED, (PAUSE, DOUBT)], False),
        ([PAUSED, (PAUSE, outcomes.NotRunning())], False),
        ([(RESUME, outcomes.Resumed()), PAUSED], True),
        ([(PAUSE, None)], False),
        ([(PAUSE, outcomes.Failed(500))], False),
    ],
)
async def test_paused_is_a_session_whose_last_order_that_ended_is_a_confirmed_pause_however_old(
    store: Store, orders: list[tuple[requests.Verb, outcomes.Outcome | None]], is_paused: bool
) -> None:
    rows = [
        (order_row(verb=verb, user=ALICE, age=WEEK - place), outcome) for place, (verb, outcome) in enumerate(orders)
    ]
    await rows_of(store).write(*(told(one, outcome) if outcome else one for one, outcome in rows))
    session_id = rows[0][0].order.session_id
    states = SessionStates(store.database, PATIENT)
    found = await states.paused(ACME.team_id, [session_id])
    assert found is not None
    assert [(name, one.user_id) for name, one in found.items()] == ([(session_id, ALICE)] if is_paused else [])
    assert await states.paused(GLOBEX.team_id, [session_id]) == {}


async def test_the_state_of_a_session_is_by_the_sequence_of_effects(store: Store) -> None:
    pause, resume = (replace(order_row(verb), id=name) for name, verb in (("1", PAUSE), ("2", RESUME)))
    states, rows = SessionStates(store.database, PATIENT), rows_of(store)

    async def read_phase() -> tuple[str, str, list[bool]]:
        (now,) = (await states.of(ACME.team_id, [SESSION])).values()
        return now.order_id, now.phase, [now.follows(name) for name in ("1", "2", "3")]

    await rows.write(pause, resume)
    await rows.write(told(resume, outcomes.Resumed()))
    assert await read_phase() == ("1", "pausing", [False, True, False])
    await rows.write(told(pause, outcomes.Paused()))
    assert await read_phase() == ("1", "paused", [False, True, False]), "it crossed the resume, and was sent again"
    await rows.write(replace(order_row(), id="3"))
    assert await read_phase() == ("3", "pausing", [True, True, False])
    await rows.write(told(replace(order_row(), id="3"), outcomes.Failed(500)))
    assert await read_phase() == ("1", "paused", [False, True, False])
    await rows.write(told(replace(order_row(END), id="4"), DOUBT))
    assert await read_phase() == ("1", "paused", [False, True, False])
    await rows.write(told(replace(order_row(END), id="5"), outcomes.Ended()))
    await rows.write(told(replace(order_row(), id="6"), DOUBT))
    assert await read_phase() == ("5", "ended", [True, True, True]), "and what Anchor did not confirm since is nothing"


DAYS = 90


async def left(store: Store) -> set[str]:
    return {row_id for (row_id,) in await fetch(store, "SELECT id FROM orders")}


async def test_only_old_orders_that_are_finished_are_deleted(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    young, old = order_row(age=DAYS * DAY - 60), order_row(age=100 * DAY)
    kept = [told(young, out.Paused()), old, settled(order_row(age=100 * DAY), out.Paused())]
    ended = [told(order_row(age=DAYS * DAY + 60 + number), out.Paused()) for number in range(3 * BATCH + 5)]
    async with open_store(Secret(database_url), [KEY]) as one, open_store(Secret(database_url), [KEY]) as another:
        await rows_of(one).write(*kept, *ended)
        await asyncio.gather(*(prune(store.database, DAYS) for store in (one, another, one)))
        assert await left(one) == {row.id for row in kept}
    records = [record for record in caplog.records if record.name == prune.__module__]
    assert sum(vars(record)["orders"] for record in records) == len(ended)
    assert {record.levelname for record in records} == {"INFO"}


@pytest.mark.parametrize("days", [90, 3])
async def test_a_card_that_does_not_change_for_a_week_is_deleted(store: Store, days: int) -> None:
    async with messages_of(store) as messages:
        await asyncio.gather(messages.add([card(ts="1.1")]), messages.add([card(ts="2.2")]))
    age = min(days, 7) * DAY + 1
    await execute(store, "UPDATE messages SET changed_at = changed_at - :age WHERE ts = '1.1'", age=age)
    await prune(store.database, days)
    assert await fetch(store, "SELECT ts FROM messages") == [("2.2",)]
