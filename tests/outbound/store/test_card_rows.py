"""The rows of cards: each is sent by one process, at the pace of all, until it shows the newest state."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from bot.outbound.store.card_rows import CardRows
from harness.card_rows import NAME, card, change, checks_of, exchange, failed, incoming, place, result, sent
from harness.product import Store
from harness.stored import ACME, GLOBEX, fetch
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

MOST_UPDATES = 40  # of a workspace within a minute
MOST_IN_SUMMARY = 12


@pytest.fixture
def rows(store: Store) -> CardRows:
    return CardRows(store.database, "one")


@pytest.fixture
def others(store: Store) -> CardRows:
    """The rows as another process sees them."""
    return CardRows(store.database, "other")


async def test_a_card_is_claimed_by_one_process(rows: CardRows, others: CardRows) -> None:
    claimed = (await exchange(rows, new=[card()])).claimed
    assert len(claimed) == 1
    assert not (await exchange(others)).claimed
    assert not (await sent(rows, claimed)).claimed
    assert (await exchange(others)).next_in is None


async def test_what_changes_while_a_card_is_sent_is_sent_after_it(rows: CardRows) -> None:
    (claimed,) = (await exchange(rows, new=[card()])).claimed
    again = await change(rows)
    assert (again.open_cards, again.claimed) == ({NAME: frozenset({(ACME.team_id, "C1", "1.1")})}, [])
    next_in = (await sent(rows, [claimed])).next_in
    assert next_in is not None
    await asyncio.sleep(next_in)
    (newest,) = (await exchange(rows)).claimed
    assert ([part.version for part in newest.parts], newest.shown) == ([1], "digest")


async def test_a_card_of_a_process_that_has_ended_is_sent_by_another_one(
    store: Store, rows: CardRows, others: CardRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.card_claims.LEASE", 1.2)
    monkeypatch.setattr("bot.core.pace.LONGEST_CALL", 1.2)
    before = await exchange(rows, new=[card(ts=None)])
    await asyncio.sleep(1.3)
    second = await exchange(others)
    assert [claimed.parts for claimed in second.claimed] == [claimed.parts for claimed in before.claimed]
    await sent(rows, before.claimed, "1.1", "late")
    await sent(others, second.claimed, "2.2", "ours")
    assert await fetch(store, "SELECT ts, shown, due FROM cards") == [("2.2", "ours", None)]


async def test_all_processes_together_keep_the_pace_of_a_workspace(rows: CardRows, others: CardRows) -> None:
    new = [card(f"C{number}") for number in range(MOST_UPDATES + 5)]
    before = await exchange(rows, most=30, new=[*new, card("C1", team=GLOBEX.team_id)])
    second = await exchange(others)
    assert [len(before.claimed), len(second.claimed)] == [30, MOST_UPDATES - 30 + 1]
    assert second.next_in is not None
    assert second.next_in > 15  # the lease; the rest waits for a minute


async def test_a_card_in_a_busy_channel_waits_and_the_clicked_one_goes_first(rows: CardRows) -> None:
    claimed = (await exchange(rows, new=[card(ts="1.1"), card(ts="2.2"), card(ts="3.3")])).claimed
    assert [one.ts for one in claimed] == ["1.1"]
    await sent(rows, claimed)
    next_in = (await change(rows, "3.3")).next_in
    assert next_in is not None
    assert 0 < next_in < 1.1
    await asyncio.sleep(1.1)
    assert [one.ts for one in (await exchange(rows)).claimed] == ["3.3"]


async def test_a_failed_attempt_is_repeated_later_and_a_refused_one_closes_the_card(rows: CardRows) -> None:
    (claimed,) = (await exchange(rows, new=[card()])).claimed
    next_in = (await failed(rows, claimed, retry_after=5.0, held_for=30.0)).next_in
    assert next_in is not None
    assert 4 < next_in <= 5
    await exchange(rows, new=[card("C2")])
    assert not (await exchange(rows)).claimed  # Slack's Retry-After is for all updates
    await failed(rows, claimed)
    assert (await change(rows)).open_cards == {NAME: frozenset({(ACME.team_id, "C2", "1.1")})}


async def test_a_card_that_is_written_twice_is_one(store: Store, rows: CardRows) -> None:
    new = card()
    for _ in range(2):
        await exchange(rows, most=0, new=[new])
    assert await fetch(store, "SELECT id FROM cards") == [(new.id,)]


async def test_a_result_is_read_as_it_was_written(rows: CardRows) -> None:
    new = result("Paused \0 \ud800")
    (claimed,) = (await exchange(rows, new=[new])).claimed
    assert [part.content for part in claimed.parts] == [new.content]


async def test_the_cards_of_a_deleted_workspace_are_deleted_and_do_not_come_back(store: Store, rows: CardRows) -> None:
    for installation in (ACME, GLOBEX):
        await store.rows.save(installation)
    claimed = (await exchange(rows, new=[card(), card(team=GLOBEX.team_id)])).claimed
    await asyncio.sleep(0.1)
    await checks_of(store).claim(0.05)
    assert await store.rows.delete(ACME.team_id)
    await sent(rows, claimed)
    for table in ("cards", "paces", "session_checks"):
        assert await fetch(store, f"SELECT team_id FROM {table}") == [(GLOBEX.team_id,)]  # noqa: S608


async def test_a_check_brings_nothing_of_an_uninstalled_workspace_back(
    store: Store, rows: CardRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = store.database.change
    await store.rows.save(ACME)
    await exchange(rows, new=[card()])

    async def change_after_uninstallation(work: Callable[[Connection], object]) -> object:
        monkeypatch.setattr(store.database, "change", change)
        await store.rows.delete(ACME.team_id)
        return await change(work)

    monkeypatch.setattr(store.database, "change", change_after_uninstallation)
    assert await checks_of(store).claim(0.0) == {}
    assert await fetch(store, "SELECT team_id FROM session_checks") == []


def sessions(count: int) -> list[str]:
    return [f"{number:08d}{SESSION[8:]}" for number in range(count)]


async def test_alerts_of_a_session_share_a_card_also_those_of_other_processes(rows: CardRows, others: CardRows) -> None:
    resolved, alerts = incoming(is_resolved=True), [incoming(), incoming(), incoming()]
    without = await exchange(rows, alerts=[resolved])
    assert (place([resolved], without), without.claimed) == ([("", None, 0, False)], [])
    first = await exchange(rows, alerts=alerts[:2])
    await sent(rows, first.claimed)
    later = await exchange(others, alerts=alerts[2:])
    card_id = alerts[0].id
    assert len(first.claimed) == 1
    assert place(alerts, first, later) == [
        (card_id, None, 1, True),
        (card_id, None, 2, False),
        (card_id, "9.9", 3, False),
    ]


async def test_many_sessions_become_a_summary_and_later_ones_join_it(rows: CardRows) -> None:
    (summary,) = (await exchange(rows, alerts=[incoming(one) for one in sessions(8)])).claimed
    assert len(summary.parts) == 8
    await sent(rows, [summary])
    await asyncio.sleep(1.1)
    later = await exchange(rows, alerts=[incoming(one) for one in sessions(20)])
    by_ts = {card.ts: len(card.parts) for card in later.claimed}
    assert by_ts == {"9.9": MOST_IN_SUMMARY, None: 20 - MOST_IN_SUMMARY}


async def test_no_alert_joins_a_summary_that_was_deleted(rows: CardRows) -> None:
    names = sessions(7)
    (summary,) = (await exchange(rows, alerts=[incoming(one) for one in names[:6]])).claimed
    await sent(rows, [summary])
    await failed(rows, summary)
    await asyncio.sleep(1.1)
    later = await exchange(rows, alerts=[incoming(names[6])])
    assert [(one.ts, len(one.parts)) for one in later.claimed] == [(None, 1)]


async def test_a_workspace_is_checked_by_one_process_at_a_time(store: Store, rows: CardRows) -> None:
    one, other = checks_of(store), checks_of(store)
    assert await one.claim(0.3) == {}
    await exchange(rows, new=[card(), card(team=GLOBEX.team_id)])
    assert await one.claim(0.3) == {}  # the cards are new
    await asyncio.sleep(0.4)
    claims = [(await checks.claim(0.3)).keys() for checks in (one, other)]
    assert [set(claim) for claim in claims] == [{ACME.team_id, GLOBEX.team_id}, set()]
    await one.postpone(ACME.team_id, 60.0)
    await asyncio.sleep(0.4)
    assert (await other.claim(0.3)).keys() == {GLOBEX.team_id}
    assert await other.sessions(GLOBEX.team_id) == {SESSION}
    await other.end(GLOBEX.team_id, {SESSION: "completed"})
    assert await other.sessions(GLOBEX.team_id) == frozenset()
