"""The audit trail: what is in it, and what is found out by following it."""

import json
import re
import time
from dataclasses import replace

import pytest

from bot.core.audit import AuditRow, Mark, Point, Verdict
from bot.outbound.store.audit import BATCH, INTERVAL, AuditTrail, changed
from bot.outbound.store.encryption import FieldCipher, rotate
from bot.outbound.store.people import Person, forget
from harness.databases import KEY, OTHER_KEY
from harness.order_rows import COLUMNS, Lease, OrderHistory, order_row, rows_of, told
from harness.product import Secret, Store, errors, open_store
from harness.product import outcomes as out
from harness.stored import ACME, GLOBEX, execute, fetch

ALONE = Lease("here", is_alone=True)


def restarted(store: Store) -> AuditTrail:
    return AuditTrail(store.database, store.cipher)


def with_other_key(store: Store) -> AuditTrail:
    return AuditTrail(store.database, FieldCipher([OTHER_KEY]))


async def chain(store: Store, lease: Lease = ALONE) -> None:
    """Chain all rows that are not chained yet, if the process of the lease leads."""
    while await store.audit.chain(lease) < INTERVAL:
        pass


def row(what: str = "alert channel", content: str = "C1") -> AuditRow:
    return changed(what, content, team_id="T0HOME00001", at=time.time() - 90.0)


async def add(store: Store, forged: AuditRow) -> None:
    """Add a row with the signature of this store, as its process does."""
    await store.database.change(lambda connection: store.audit.add(connection, forged))


def sealed(text: str, *, key_of: Store) -> str:
    """Return a mark with the signature of another key."""
    key = key_of.cipher.derive("anchor-bot: the links of the audit trail")
    start, end, gap, version, *_ = json.loads(text)
    mark = Mark("T0HOME00001", Point(*start), Point(*end), gap, version)
    return mark.sealed(key_of.cipher.key_id, key)


DAYS, DAY = 90, 86_400
WHOLE, UNVERIFIABLE, CHANGED = Verdict


async def give(store: Store, count: int = 3, *, user: str = "U0ALICE0001", key: Secret = KEY) -> list[str]:
    """Let so many orders end, and chain their rows. Return the ids."""
    rows = [told(order_row(user=user), out.Paused()) for _ in range(count)]
    await rows_of(store, "here", key).write(*rows)
    await chain(store)
    return [row.id for row in rows]


async def verified(store: Store) -> tuple[Verdict, str]:
    """The verdict, and the problems."""
    found = await store.audit.verify(DAYS)
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


async def test_only_the_process_that_leads_chains(store: Store) -> None:
    first, second = Lease("first"), Lease("second")
    await rows_of(store, "here").write(told(order_row(), out.Paused()))
    term = await store.database.change(lambda connection: first.renew(connection)())
    first.renewed(time.monotonic(), term)
    second.renewed(time.monotonic(), 7)  # it believes to lead
    await chain(store, second)
    assert await fetch(store, "SELECT count(*) FROM audit WHERE place IS NULL") == [(1,)]
    await chain(store, first)
    assert await fetch(store, "SELECT count(*) FROM audit WHERE place IS NULL") == [(0,)]


LOSE_ORDER = "DELETE FROM orders WHERE id = (SELECT about FROM audit WHERE place = 3)"
LOSE_ROW = "DELETE FROM audit WHERE place = 3"
INSERT = """
    INSERT INTO audit (id, team_id, about, what, at, content, user_id, place, person, key_id, link)
    SELECT 'x', team_id, '', what, at, content, '', 4, person, key_id, link FROM audit WHERE place = 2
"""
ADDED = """
    INSERT INTO audit (id, team_id, about, what, at, content, user_id, key_id, link)
    SELECT 'x', team_id, '', 'alert channel', at - {age}, 'C1', CAST(:user AS TEXT), {key}, {link}
    FROM audit WHERE place = 1
"""
"""A row that is not chained, which somebody has inserted."""
SWAP = """
    UPDATE audit SET about = other.about FROM (SELECT 3 - place AS place, about FROM audit WHERE place < 3) AS other
    WHERE audit.place = other.place
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
    "a tail that was cut": ("DELETE FROM audit WHERE place = 3", "has a gap: its last row was 3"),
    "a whole trail": ("DELETE FROM audit; DELETE FROM orders", "has a gap: its last row was 3"),
    "no mark": ("DELETE FROM marks WHERE scope = 'audit end'", "has a gap: the mark of its end is gone"),
    "a changed mark": (
        f"UPDATE marks SET value = replace(value, '[3, ', '[2, '); {LOSE_ORDER}; {LOSE_ROW}",  # noqa: S608
        "has a gap: the mark of its end is gone or was changed",
    ),
    "an unreadable mark": ("UPDATE marks SET value = '[[[' WHERE scope = 'audit end'", "a gap: the mark of its end"),
    "a person forgotten by hand": (
        "DELETE FROM audit_people; UPDATE orders SET user_id = 'forgotten-1'",
        "Row 1 .*pseudonym was deleted",
    ),
    "a row not signed": (ADDED.format(age=90, key="''", link="''"), "A new row .*no valid signature"),
    "a row with an old signature": (ADDED.format(age=90, key="key_id", link="link"), "A new row .*no valid signature"),
    "a signed row of a command": (ADDED.format(age=90, key="key_id", link="link"), "A new row .*no valid signature"),
}


@pytest.mark.parametrize("evil", EVILS)
async def test_the_first_row_that_is_not_as_it_was_written_is_named(store: Store, evil: str) -> None:
    store.audit.page = 2
    await give(store)
    statement, expected = EVILS[evil]
    if evil == "an inserted order":
        await execute(store, f"CREATE TABLE copied AS SELECT {_WRITTEN} FROM orders LIMIT 1")  # noqa: S608
        await execute(store, "UPDATE copied SET id = 'forged', trigger_id = NULL, settled_at = 0")
    for one in statement.split(";"):
        await execute(store, one, user="os:root" if "command" in evil else "")
    verdict, problems = await verified(store)
    assert verdict == CHANGED
    assert re.search(expected, problems), problems
    unchained = await fetch(store, "SELECT id FROM audit WHERE place IS NULL")
    await give(replace(store, audit=restarted(store)), 1)  # a bot makes nothing valid
    assert await fetch(store, "SELECT id FROM audit WHERE place IS NULL") == unchained
    assert (await verified(store))[0] == CHANGED


async def test_a_bot_that_runs_finds_an_earlier_copy(store: Store) -> None:
    await give(store, 2)
    (copy,) = await fetch(store, "SELECT value FROM marks WHERE scope = 'audit end'")
    await give(store, 1)
    link = await last_link(store)
    for statement in (LOSE_ORDER, LOSE_ROW):
        await execute(store, statement)
    await execute(store, "UPDATE marks SET value = :value WHERE scope = 'audit end'", value=copy[0])
    assert await verified(store) == (WHOLE, "")
    await give(store, 1)
    assert "its last row was 3, with the link " + link in (await verified(store))[1]


async def test_a_gap_is_an_error_at_each_start_until_an_operator_acknowledges_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def gaps() -> list[str]:
        return [vars(record)["why"] for record in caplog.records if record.levelname == "ERROR"]

    await give(store)
    link = await last_link(store)
    for statement in (LOSE_ORDER, LOSE_ROW):
        await execute(store, statement)
    for _ in range(2):
        found = restarted(store)
        await found.report()
        await give(store, 1)
    assert gaps() == [f"its last row was 3, with the link {link}"] * 2
    assert await store.audit.gap("T0HOME00001") == gaps()[0]
    assert (await verified(store))[0] == CHANGED
    with pytest.raises(errors.UnreadableError):
        await with_other_key(store).acknowledge("os:root")
    await store.audit.acknowledge("os:root")
    assert await store.audit.gap("T0HOME00001") == ""
    await chain(store)
    verdict, problems = await verified(store)
    assert (verdict, f"a gap: {gaps()[0]}" in problems) == (WHOLE, True)


ODD = {
    "content": "CAST(x'ff' AS TEXT)",
    "at": "'yesterday'",
    "place": "'two'",
    "about": "x'00'",
    "link": "x'00'",
    "person": "x'00'",
    "team_id": "x'00'",
    "key_id": "x'00'",
    "user_id": "CAST(x'ff' AS TEXT)",
}


@pytest.mark.parametrize("where", ["place = 2", "place = 3", "place IS NULL"])
@pytest.mark.parametrize("column", ODD)
async def test_an_odd_row_stops_only_itself(sqlite_url: str, column: str, where: str) -> None:
    async with open_store(Secret(sqlite_url), [KEY]) as store:
        await give(store)
        await execute(store, ADDED.format(age=90, key="''", link="''"), user="")
        await execute(store, f"UPDATE audit SET {column} = {ODD[column]} WHERE {where}")  # noqa: S608
        for team in ("T0HOME00001", "T0OTHER0001"):
            await rows_of(store, "here").write(told(order_row(team=team), out.Paused()))
        await chain(store)
        await store.audit.report()
        await execute(
            store, "UPDATE audit SET at = 1.0 WHERE place = 3 OR team_id = 'T0OTHER0001' OR typeof(place) = 'text'"
        )
        await store.audit.prune(DAYS)
        assert await fetch(store, "SELECT id FROM audit WHERE team_id = 'T0OTHER0001'") == []
        assert (await verified(store))[0] == CHANGED
        left = await fetch(store, "SELECT team_id FROM audit WHERE place IS NULL AND id <> 'x'")
        assert left == []


async def test_a_person_who_was_forgotten_leaves_the_trail_whole(store: Store) -> None:
    await give(store, user="U0BOB000001")
    await give(store, 1)
    assert await forget(store.audit, Person("U0BOB000001"), "forgotten-1")
    assert await fetch(store, "SELECT user_id FROM audit_people") == [("U0ALICE0001",)]
    assert await verified(store) == (WHOLE, "")
    await chain(store)
    assert await verified(store) == (WHOLE, "")
    await execute(store, "DELETE FROM audit WHERE what = 'forgotten'")
    assert (await verified(store))[0] == CHANGED


async def test_pruning_is_no_gap_and_a_deletion_is_still_told_from_it(store: Store) -> None:
    old = [order_row(age=DAYS * DAY + 60.0) for _ in range(BATCH + 3)]
    await rows_of(store, "here").write(*(told(one, out.Paused()) for one in old))
    await chain(store)
    await store.audit.prune(DAYS)
    await execute(store, "DELETE FROM orders")
    assert await fetch(store, "SELECT what FROM audit") == []
    assert await verified(store) == (WHOLE, "")
    await give(store, 2)
    assert await verified(store) == (WHOLE, "")
    await execute(store, "DELETE FROM audit WHERE place = :place", place=len(old) + 1)
    assert (await verified(store))[0] == CHANGED


async def test_an_uninstallation_leaves_one_row_and_each_change_has_one(store: Store) -> None:
    await store.rows.save(ACME)
    assert await store.rows.set_alerts_channel(ACME.team_id, "C0ALERTS001", by="U0ALICE0001")
    await chain(store)
    listed = await fetch(store, "SELECT what, content FROM audit ORDER BY what DESC")
    assert listed == [("this app", "installed"), ("alert channel", "C0ALERTS001")]
    await store.rows.save(GLOBEX)
    await store.rows.delete(ACME.team_id, by="os:alice")
    await chain(store)
    found = await OrderHistory(store.database).next_page(None, most=5)
    assert ("os:alice", "this app: deleted") in [(one.user_id, one.reason) for one in found]
    await store.rows.delete(GLOBEX.team_id)
    assert await fetch(store, "SELECT what FROM audit ORDER BY what") == [("this app",)]
    assert await verified(store) == (WHOLE, "")


@pytest.mark.parametrize("is_rotated", [True, False])
async def test_after_a_rotation_the_older_rows_are_verified(database_url: str, *, is_rotated: bool) -> None:
    """Without it their key is lost with the one that it is derived from."""
    async with open_store(Secret(database_url), [KEY]) as store:
        await give(store)
    async with open_store(Secret(database_url), [OTHER_KEY, KEY]) as store:
        if is_rotated:
            await rotate(store.database, store.cipher)
        await give(store, key=OTHER_KEY)
        assert ("new key",) in await fetch(store, "SELECT what FROM audit")
        assert await verified(store) == (WHOLE, "")
    async with open_store(Secret(database_url), [OTHER_KEY], keys_must_fit=False) as store:
        assert (await verified(store))[0] == (WHOLE if is_rotated else UNVERIFIABLE)
