"""Past orders, and changes of settings."""

from collections import Counter
from dataclasses import replace

from bot.outbound.store.journal import OrderHistory
from bot.outbound.store.session_states import SessionStates
from harness.order_rows import order_row, rows_of, told
from harness.product import Store, journal, outcomes, workspace
from harness.stored import ACME, DAY, GLOBEX, execute

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
    found: list[journal.PastOrder] = []
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
