"""The rows of cards: each is sent by one process, at the pace of all, until it shows the newest state."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import psycopg
import pytest

from bot.outbound.store.cards import LOCK, REFUSED_FOR, CardRows, Marks, mark_apart
from harness.cards import (
    ALERT,
    COPIES,
    NAME,
    Check,
    MarkedCards,
    Session,
    SessionName,
    card,
    cards_of,
    exchange,
    first,
    fold,
    got_worse,
    in_group,
    mark_cards,
    sent,
    worse_alert,
)
from harness.databases import KEY
from harness.order_rows import MARK, Connection, frozen_transaction, session_lock
from harness.product import Secret, SessionId, Store, open_store
from harness.stored import ACME, GLOBEX, execute, fetch, when_unlocked
from harness.texts import OTHER_SESSION, SESSION

pytestmark = pytest.mark.anyio

MOST_UPDATES = 40  # of a workspace within a minute
MOST_OPEN = 5_000


@pytest.fixture
def rows(store: Store) -> CardRows:
    return CardRows(store.database, "one")


@pytest.fixture
def others(store: Store) -> CardRows:
    """The rows as another process sees them."""
    return CardRows(store.database, "other")


def read_of(status: str) -> Check:
    """A check that has read the session."""
    session = Session(id=SessionId(SESSION), status=status)
    return Check([], 0, found={session.id: session}, asked=[session.id])


async def test_what_changes_while_a_card_is_sent_is_sent_after_it(rows: CardRows) -> None:
    (claimed,) = (await exchange(rows, new=[card()])).claimed
    assert await mark_cards(rows) == {NAME: MarkedCards(frozenset({(ACME.team_id, "C1", "1.1")}))}
    assert not (await exchange(rows)).claimed
    next_in = (await sent(rows, [claimed])).next_in
    assert next_in is not None
    await asyncio.sleep(next_in + 0.01)
    (newest,) = (await exchange(rows)).claimed
    assert ([part.version for part in newest.parts], newest.shown) == ([1], "digest")


async def test_a_spare_card_is_not_made_beside_another_of_its_session_and_a_group_is_one_message(
    store: Store, rows: CardRows
) -> None:
    spare = [replace(card(ts=None), is_spare=True, content=in_group("g")) for _ in range(2)]
    there = card("C2")
    other = replace(spare[1], id="other", session_id=SessionId(OTHER_SESSION))
    elsewhere = replace(spare[1], id="elsewhere", channel_id="C2")
    claimed = (await exchange(rows, new=[there, spare[0], spare[1], other, elsewhere])).claimed
    parts = {card.channel_id: [part.id for part in card.parts] for card in claimed}
    assert parts == {"C1": [spare[0].id, "other"], "C2": [there.id]}
    assert await fetch(store, "SELECT count(*) FROM cards") == [(3,)]


async def test_a_card_of_a_process_that_has_ended_is_sent_by_another_one(
    store: Store, rows: CardRows, others: CardRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.card_claims.LEASE", 1.2)
    monkeypatch.setattr("bot.core.retries.LONGEST_CALL", 1.2)
    before = await exchange(rows, new=[card(ts=None)])
    await asyncio.sleep(1.3)
    second = await exchange(others)
    assert [claimed.parts for claimed in second.claimed] == [claimed.parts for claimed in before.claimed]
    await sent(rows, before.claimed, "1.1", "late")
    await sent(others, second.claimed, "2.2", "ours")
    assert await fetch(store, "SELECT ts, shown, due FROM cards") == [("2.2", "ours", None)]


async def test_two_processes_together_make_one_reply_of_alerts_that_got_worse_in_a_channel(
    store: Store, rows: CardRows, others: CardRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.core.retries.CALL_INTERVAL", 0.01)
    await sent(rows, (await exchange(rows, new=[card(ts=None)])).claimed)
    await asyncio.sleep(0.02)
    await exchange(rows, most=0, new=[replace(got_worse(), channel_id="C2")])
    for number, one in enumerate((rows, others, others)):
        await exchange(one, most=0, alerts=[worse_alert(f"alert-{number}", resolved=number == 1)])
    kinds = await fetch(store, "SELECT channel_id, kind FROM cards ORDER BY 1, 2")
    assert kinds == [("C1", "alert"), ("C1", "reply"), ("C2", "reply")]
    (told,) = [one for one in (await exchange(rows)).claimed if (one.channel_id, one.ts) == ("C1", None)]
    assert (told.thread_ts, list((await exchange(others)).claimed)) == ("9.9", [])


async def test_all_processes_together_keep_the_pace_of_a_workspace(rows: CardRows, others: CardRows) -> None:
    new = [card(f"C{number}") for number in range(MOST_UPDATES + 5)]
    before = await exchange(rows, most=30, new=[*new, card("C1", team=GLOBEX.team_id)])
    second = await exchange(others)
    assert [len(before.claimed), len(second.claimed)] == [30, MOST_UPDATES - 30 + 1]
    assert second.next_in is not None
    assert second.next_in > 15  # the lease; the rest waits for a minute


@pytest.mark.parametrize(("hours", "claims"), [(0.6, (12, False)), (5.9, (12, False)), (6.1, (30, True))])
async def test_what_waited_for_half_an_hour_is_claimed_together_and_given_up_after_six(
    store: Store, rows: CardRows, hours: float, claims: tuple[int, bool]
) -> None:
    await exchange(rows, most=0, new=[card(ts=None) for _ in range(30)])
    past = hours * 3_600
    await execute(store, f"UPDATE cards SET created_at = created_at - {past}, changed_at = changed_at - {past}")  # noqa: S608
    await execute(store, "UPDATE cards SET not_before = not_before + 600 WHERE id <> (SELECT min(id) FROM cards)")
    (claimed,) = (await exchange(rows)).claimed
    assert (len(claimed.parts), claimed.is_given_up) == claims


async def test_of_very_many_cards_the_oldest_that_are_resolved_or_ended_are_closed(
    store: Store, rows: CardRows, caplog: pytest.LogCaptureFixture
) -> None:
    await store.rows.save(ACME)
    resolved, ended, firing = card("C1"), card("C2"), card("C3")
    resolved = replace(resolved, content=fold(first(ALERT, 0.0), replace(ALERT, is_resolved=True), 1.0))
    await exchange(rows, most=0, new=[firing, resolved, ended])
    await execute(store, "UPDATE cards SET due = NULL, ended_at = CASE WHEN channel_id = 'C2' THEN 1.0 END")
    await execute(store, COPIES, team_id=ACME.team_id, count=1_800, channels=1)  # half of them are posted
    await execute(store, "UPDATE cards SET due = NULL")
    counts = "SELECT kind, count(*) FROM cards WHERE closed_at IS NULL AND ts IS NOT NULL GROUP BY 1"
    await rows.end_check(ACME.team_id, [], 0, next_in=60.0)
    assert await fetch(store, counts) == [("alert", 3 + 3 * 900)]
    await execute(store, "UPDATE cards SET ts = id, ended_at = 1.0 WHERE ts IS NULL AND ended_at IS NOT NULL")
    await execute(store, "UPDATE cards SET ts = id WHERE ts IS NULL")
    await rows.end_check(ACME.team_id, [], 0, next_in=60.0)
    assert await fetch(store, counts) == [("alert", MOST_OPEN)]
    assert [vars(one)["cards"] for one in caplog.records if "very many" in one.message] == [403]
    firing_left = "SELECT count(*) FROM cards WHERE closed_at IS NULL AND channel_id LIKE 'C3%'"
    assert await fetch(store, firing_left) == [(1_801,)]


async def test_no_card_is_closed_in_a_message_about_others_that_are_neither(store: Store, rows: CardRows) -> None:
    await store.rows.save(ACME)
    resolved = replace(card("C1"), session_id=SessionId("1" * 8 + "-1111-4111-8111-" + "1" * 12))
    resolved = replace(resolved, content=fold(first(ALERT, 0.0), replace(ALERT, is_resolved=True), 1.0))
    await exchange(rows, most=0, new=[card("C1"), resolved])
    await execute(store, COPIES, team_id=ACME.team_id, count=5_200, channels=1)  # half of them are posted
    await execute(store, "UPDATE cards SET due = NULL")
    await rows.end_check(ACME.team_id, [], 0, next_in=60.0)
    assert await fetch(store, "SELECT count(*) FROM cards WHERE closed_at IS NOT NULL") == [(0,)]


async def test_the_cards_of_a_deleted_workspace_are_deleted_and_do_not_come_back(store: Store, rows: CardRows) -> None:
    for installation in (ACME, GLOBEX):
        await store.rows.save(installation)
    claimed = (await exchange(rows, new=[card(), card(team=GLOBEX.team_id)])).claimed
    await asyncio.sleep(0.1)
    await rows.claim_checks(0.05)
    assert await store.rows.delete(ACME.team_id)
    await sent(rows, claimed)
    assert await fetch(store, "SELECT team_id FROM cards") == [(GLOBEX.team_id,)]
    marks = await fetch(store, "SELECT scope, name FROM marks WHERE scope NOT LIKE '%key' ORDER BY name")
    assert marks == [(GLOBEX.team_id, "check"), (GLOBEX.team_id, "pace")]


@pytest.mark.parametrize("database_url", ["sqlite://"])
async def test_a_workspace_is_checked_by_one_process_at_a_time(rows: CardRows, others: CardRows) -> None:
    assert await rows.claim_checks(0.3) == ({}, [])
    await exchange(rows, new=[card(), card(team=GLOBEX.team_id)])
    assert await rows.claim_checks(0.3) == ({}, [])  # the cards are new
    await asyncio.sleep(0.4)
    claims = [(await checks.claim_checks(0.3))[0] for checks in (rows, others)]
    assert [set(claim) for claim in claims] == [{ACME.team_id, GLOBEX.team_id}, set()]
    await rows.end_check(ACME.team_id, [], 1, next_in=60.0)
    await asyncio.sleep(0.4)
    assert set((await others.claim_checks(0.3))[0]) == {GLOBEX.team_id}
    assert await others.open_sessions(GLOBEX.team_id) == [SESSION]
    await others.record_reads(GLOBEX.team_id, read_of("completed"), key="digest")
    assert await others.open_sessions(GLOBEX.team_id) == []


async def test_a_process_that_freezes_amid_a_claim_holds_up_no_order_and_others_for_three_seconds(
    postgresql_urls: Iterator[str],
) -> None:
    url = next(postgresql_urls)
    async with open_store(Secret(url), [KEY]) as store:
        rows, marks = cards_of(store), {NAME: frozenset[str]()}
        await exchange(rows, most=0, new=[card()])
        with frozen_transaction(url, LOCK) as frozen:
            frozen.execute("UPDATE cards SET owner = 'frozen'")
            began = time.monotonic()
            assert await mark_alone(store, marks) is None
            assert time.monotonic() - began < 2.0
            (claimed,) = (await when_unlocked(lambda: exchange(rows))).claimed
            assert time.monotonic() - began < 5.0
            assert claimed.ts == "1.1"
            with pytest.raises(psycopg.Error):
                frozen.execute("SELECT 1")
        assert await mark_alone(store, marks) == await mark_cards(rows)


async def mark_alone(store: Store, marks: Marks) -> Mapping[SessionName, MarkedCards] | None:
    """Mark cards in the last part of a transaction, of which the rest is committed."""

    def work(connection: Connection) -> Callable[[], Mapping[SessionName, MarkedCards] | None]:
        connection.execute(MARK.format("'order'", ":name"), name=secrets.token_hex(10))
        marked = mark_apart(connection, marks, connection.now())
        return lambda: marked

    count = "SELECT count(scope) FROM marks WHERE scope = 'order'"
    ((before,),) = await fetch(store, count)
    marked = await store.database.change_orders(work, locks=[session_lock(*name) for name in marks])
    assert await fetch(store, count) == [(before + 1,)]
    return marked


async def test_a_damaged_table_of_cards_holds_up_no_order(store: Store) -> None:
    assert await mark_alone(store, {NAME: frozenset()}) == {NAME: MarkedCards()}
    await execute(store, "DROP TABLE cards")
    assert await mark_alone(store, {NAME: frozenset()}) is None
    assert await mark_alone(store, {NAME: frozenset()}) is None


async def test_all_processes_together_have_15_requests_in_the_background_a_minute(
    store: Store, rows: CardRows, others: CardRows
) -> None:
    await store.rows.save(ACME)
    first = await rows.take_reads(ACME.team_id, 10, kept=2)
    second, third = [await others.take_reads(ACME.team_id, 10, kept=2) for _ in range(2)]
    after_pause, no_more = [await others.take_reads(ACME.team_id, 2) for _ in range(2)]
    await rows.end_check(ACME.team_id, first, 4, next_in=60.0)
    again = await rows.take_reads(ACME.team_id, 10)
    assert [len(one) for one in (first, second, third, after_pause, no_more, again)] == [10, 3, 0, 2, 0, 6]
    await execute(store, "UPDATE marks SET value = '[1.0, ' || substr(value, 2) WHERE scope = :team", team=ACME.team_id)
    assert not await rows.allows_reads(ACME.team_id, 1)
    ((times,),) = await fetch(store, "SELECT value FROM marks WHERE scope = :team", team=ACME.team_id)
    assert times.startswith("[1.0, "), "a refusal writes nothing"
    await execute(store, "DROP TABLE marks")
    assert not await rows.allows_reads(ACME.team_id, 1), "a refusal is remembered"
    assert await rows.allows_reads(GLOBEX.team_id, 1)
    await asyncio.sleep(REFUSED_FOR)
    assert await rows.allows_reads(ACME.team_id, 1)  # nobody counts them
