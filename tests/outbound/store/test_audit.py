"""The audit trail: what is in it, and what is found out by following it."""

import asyncio
import re

import pytest
from cryptography.fernet import Fernet

from bot.core.audit import Verdict
from harness.databases import KEY
from harness.order_rows import COLUMNS, OrderHistory, order_row, rows_of, told
from harness.product import Secret, Store, history, open_store
from harness.product import outcomes as out
from harness.stored import ACME, GLOBEX, bury, execute, fetch, forget_person, rotate_keys

pytestmark = pytest.mark.anyio

DAYS, DAY = 90, 86_400
WHOLE, UNVERIFIABLE, CHANGED = Verdict


async def give(store: Store, count: int = 3, *, user: str = "U0ALICE0001", owner: str = "here") -> list[str]:
    """Let so many orders end, and chain their rows. Return the ids."""
    rows = [told(order_row(user=user), out.Paused()) for _ in range(count)]
    await rows_of(store, owner).write(*rows)
    await chain(store)
    return [row.id for row in rows]


async def chain(store: Store) -> None:
    while await store.audit.chain():
        pass


async def verified(store: Store, link: str = "") -> tuple[Verdict, str]:
    """The verdict, and the problems."""
    found = await store.audit.verify(DAYS, link)
    return found.verdict, " ".join([*found.problems, *found.gaps])


async def last_link(store: Store) -> str:
    ((link,),) = await fetch(store, "SELECT link FROM audit WHERE place = (SELECT max(place) FROM audit)")
    return str(link)


async def test_each_order_that_has_ended_has_a_row_that_names_nobody(store: Store) -> None:
    (order,) = await give(store, 1)
    await rows_of(store, "here").write(order_row())  # which has not ended
    ((about, what, user, content),) = await fetch(store, "SELECT about, what, user_id, content FROM audit")
    assert (about, what, user) == (order, "pause", "")
    assert "Paused" in str(content)
    assert "U0ALICE" not in str(await fetch(store, "SELECT * FROM audit"))
    assert await verified(store) == (WHOLE, "")


async def test_what_a_process_adds_last_is_chained_at_its_end_unless_no_bot_has_its_key(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        await give(store, 1)
    for key, chained in ((Secret(Fernet.generate_key().decode()), 1), (KEY, 3)):
        async with open_store(Secret(database_url), [key], keys_must_fit=False) as store:
            await rows_of(store, "here", key).write(told(order_row(), out.Paused()))
        async with open_store(Secret(database_url), [KEY]) as store:
            assert await fetch(store, "SELECT count(*) FROM audit WHERE place IS NOT NULL") == [(chained,)]


LOSE_ORDER = "DELETE FROM orders WHERE id = (SELECT about FROM audit WHERE place = 3)"
LOSE_ROW = "DELETE FROM audit WHERE place = 3"
INSERT = """
    INSERT INTO audit (id, team_id, about, what, at, content, user_id, place, person, key_id, link)
    SELECT 'x', team_id, '', what, at, content, '', 4, person, key_id, link FROM audit WHERE place = 2
"""
SWAP = """
    UPDATE audit SET about = other.about FROM (SELECT 3 - place AS place, about FROM audit WHERE place < 3) AS other
    WHERE audit.place = other.place
"""
OLD = """
    INSERT INTO audit (id, team_id, about, what, at, content, user_id)
    SELECT 'x', team_id, '', 'x', 1.0, 'x', '' FROM audit WHERE place = 1
"""
FORGED_GAP = """
    INSERT INTO audit (id, team_id, about, what, at, content, user_id)
    SELECT 'x', team_id, '', 'gap', at, CAST(:content AS TEXT), '' FROM audit WHERE place = 1
"""
_WRITTEN = COLUMNS.replace("seq, ", "")
EVILS = {
    "changed": ("UPDATE audit SET content = 'button|Paused|x||' WHERE place = 2", "Row 2 .*it was changed"),
    "deleted": ("DELETE FROM audit WHERE place = 2", "Row 3 .*1 rows before it were deleted"),
    "inserted": (INSERT, "Row 4 .*inserted"),
    "swapped": (SWAP, "Row 1 .*swapped"),
    "another person": ("UPDATE orders SET user_id = 'U0MALLORY01'", "Row 1 .*the person of its order was changed"),
    "another outcome": ("UPDATE orders SET outcome = 'NotRunning'", "Row 1 .*its order was changed"),
    "a deleted order": ("DELETE FROM orders WHERE id = (SELECT about FROM audit WHERE place = 2)", "Row 2 .*deleted"),
    "a person everywhere": (
        "UPDATE orders SET user_id = 'U0MALLORY01'; UPDATE audit_people SET user_id = 'U0MALLORY01'",
        "Row 1 .*the person behind its pseudonym was changed",
    ),
    "a person beside": ("UPDATE audit SET user_id = 'U0MALLORY01' WHERE place = 2", "Row 2 .*a person was added"),
    "another time": ("UPDATE orders SET settled_at = settled_at - 60", "Row 1 .*its order was changed"),
    "another beginning": ("UPDATE orders SET given_at = 0", "Row 1 .*its order was changed"),
    "another workspace": ("UPDATE orders SET team_id = 'T0GLOBEX001'", "Row 1 .*its order was changed"),
    "deleted before an unknown key": (
        "DELETE FROM audit WHERE place = 2; UPDATE audit SET key_id = 'x' WHERE place = 3",
        "Row 3 .*1 rows before it were deleted",
    ),
    "an inserted order": (
        f"INSERT INTO orders ({_WRITTEN}) SELECT * FROM copied",  # noqa: S608
        "has no row with its outcome",
    ),
}


@pytest.mark.parametrize("evil", EVILS)
async def test_the_first_row_that_is_not_as_it_was_written_is_named(
    store: Store, evil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.audit.PAGE", 2)
    await give(store)
    statement, expected = EVILS[evil]
    if evil == "an inserted order":
        await execute(store, f"CREATE TABLE copied AS SELECT {_WRITTEN} FROM orders LIMIT 1")  # noqa: S608
        await execute(store, "UPDATE copied SET id = 'forged', trigger_id = NULL, settled_at = 0")
    for one in statement.split(";"):
        await execute(store, one)
    verdict, problems = await verified(store)
    assert verdict == CHANGED
    assert re.search(expected, problems), problems


async def test_a_tail_that_was_cut_is_found_with_a_link_that_was_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await give(store)
    link = await last_link(store)
    await store.audit.log_links()
    assert link in str([vars(record) for record in caplog.records if record.message == "audit trail"])
    await execute(store, LOSE_ORDER)
    await execute(store, LOSE_ROW)
    assert await verified(store) == (WHOLE, "")
    verdict, problems = await verified(store, link)
    assert (verdict, "tail was cut" in problems) == (CHANGED, True)


async def test_no_row_that_somebody_inserts_stands_for_a_tail_that_was_cut(sqlite_url: str) -> None:
    async with open_store(Secret(sqlite_url), [KEY]) as store:
        await give(store)
        link = await last_link(store)
        for statement in (LOSE_ORDER, LOSE_ROW):
            await execute(store, statement)
        await execute(store, FORGED_GAP, content=f"3|{link}")
    async with open_store(Secret(sqlite_url), [KEY]) as store:
        await give(store, 1)
        assert (await verified(store, link))[0] == CHANGED


async def test_the_last_link_is_logged_within_the_interval_after_a_failure_and_at_the_end(
    sqlite_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("bot.outbound.store.audit.LOG_INTERVAL", 300.0)

    def logged() -> list[int]:
        return [vars(record)["place"] for record in caplog.records if record.message == "audit trail"]

    async with open_store(Secret(sqlite_url), [KEY]) as store:
        running = asyncio.create_task(store.audit.run())
        await asyncio.sleep(1.0)  # it has looked
        for age, expected in ((100.0, []), (100.0, []), (400.0, [2])):
            if age < 400.0:
                async with open_store(Secret(sqlite_url), [KEY]) as command:
                    await rows_of(command).write(told(order_row(), out.Paused()))
            await asyncio.sleep(age)
            assert logged() == expected
        await execute(store, "UPDATE audit SET place = 'two' WHERE place = 2")
        await rows_of(store, "here").write(told(order_row(), out.Paused()))
        await asyncio.sleep(20.0)
        assert "audit trail not chained" in caplog.messages
        await execute(store, "UPDATE audit SET place = 2 WHERE place = 'two'")
        await asyncio.sleep(100.0)
        await rows_of(store, "here").write(told(order_row(), out.Paused()))
        await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.wait({running})
    assert logged() == [2, 3, 4]


async def test_what_a_restored_database_has_lost_is_a_gap(store: Store) -> None:
    await give(store)
    link = await last_link(store)
    await execute(store, LOSE_ORDER)
    await execute(store, LOSE_ROW)
    await give(store, 1)
    verdict, problems = await verified(store, link)
    assert (verdict, "had lost the rows up to 3" in problems) == (WHOLE, True)


async def test_a_person_who_was_forgotten_leaves_the_trail_whole(store: Store) -> None:
    await give(store, user="U0BOB000001")
    await give(store, 1)
    await forget_person(store, "U0BOB000001")
    assert await fetch(store, "SELECT user_id FROM audit_people") == [("U0ALICE0001",)]
    assert await verified(store) == (WHOLE, "")
    await execute(store, "UPDATE orders SET user_id = 'forgotten-2' WHERE user_id = 'U0ALICE0001'")
    assert (await verified(store))[0] == CHANGED


async def test_pruning_leaves_one_row_and_a_deletion_is_still_told_from_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.audit.BATCH", 2)
    await rows_of(store, "here").write(*(told(order_row(), out.Paused()) for _ in range(3)))
    await execute(store, "UPDATE audit SET at = at - :age", age=DAYS * DAY + 60.0)
    await chain(store)
    await store.audit.prune(DAYS)
    await execute(store, "DELETE FROM orders")
    ((what, content),) = await fetch(store, "SELECT what, content FROM audit")
    assert (what, str(content).split("|")[0]) == ("deleted", "3")
    await give(store, 2)
    assert await verified(store) == (WHOLE, "")
    await execute(store, "UPDATE audit SET content = replace(content, '3|', '2|') WHERE what = 'deleted'")
    assert (await verified(store))[0] == CHANGED


TOMBSTONES = [
    "UPDATE audit SET at = at - 60 WHERE what = 'deleted'",
    "UPDATE audit SET person = 'x' WHERE what = 'deleted'",
    "UPDATE audit SET what = 'pause' WHERE what = 'deleted'",
    "DELETE FROM audit WHERE what = 'deleted'",
]


@pytest.mark.parametrize("statement", TOMBSTONES)
async def test_a_changed_tombstone_is_found(store: Store, statement: str) -> None:
    await give(store, 2)
    await bury(store, "T0HOME00001")
    await execute(store, "DELETE FROM orders")
    await give(store, 1)
    assert await verified(store) == (WHOLE, "")
    await execute(store, statement)
    assert (await verified(store))[0] == CHANGED


async def test_a_row_that_claims_to_be_old_takes_no_others_with_it(store: Store) -> None:
    await give(store)
    await execute(store, OLD)
    await chain(store)
    await execute(store, "DELETE FROM orders")
    await store.audit.prune(DAYS)
    assert (await verified(store))[0] == CHANGED


async def test_an_uninstallation_leaves_one_row_and_each_change_has_one(store: Store) -> None:
    await store.rows.save(ACME)
    assert await store.rows.set_alerts_channel(ACME.team_id, "C0ALERTS001", by="U0ALICE0001")
    await chain(store)
    listed = await fetch(store, "SELECT what, content FROM audit ORDER BY what DESC")
    assert listed == [("installation", "installed"), ("alert channel", "C0ALERTS001")]
    await store.rows.save(GLOBEX)
    await store.rows.delete(ACME.team_id, by="os:alice")
    await chain(store)
    found = await OrderHistory(store.database).next_page(history.HistoryFilter(), None, most=5)
    assert ("os:alice", "installation: deleted") in [(one.user_id, one.reason) for one in found]
    await store.rows.delete(GLOBEX.team_id)
    assert await fetch(store, "SELECT what FROM audit ORDER BY what") == [("deleted",), ("deleted",), ("installation",)]
    assert await verified(store) == (WHOLE, "")


@pytest.mark.parametrize("is_rotated", [True, False])
async def test_after_a_rotation_the_older_rows_are_verified(database_url: str, *, is_rotated: bool) -> None:
    """Without it their key is lost with the one that it is derived from."""
    new = Secret(Fernet.generate_key().decode())
    async with open_store(Secret(database_url), [KEY]) as store:
        await give(store)
    async with open_store(Secret(database_url), [new, KEY]) as store:
        if is_rotated:
            await rotate_keys(store)
        await give(store)
        assert ("new key",) in await fetch(store, "SELECT what FROM audit")
        assert await verified(store) == (WHOLE, "")
    async with open_store(Secret(database_url), [new], keys_must_fit=False) as store:
        assert (await verified(store))[0] == (WHOLE if is_rotated else UNVERIFIABLE)
