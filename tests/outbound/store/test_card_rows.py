"""The rows of cards: each is sent by one process, at the pace of all, until it shows the newest state."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

import pytest
from sqlalchemy import Connection, select

from bot.core import pace
from bot.core.alert import Alert
from bot.core.alert_fold import MOST_IN_SUMMARY, first
from bot.core.card import NewCard, ResultContent
from bot.core.pace import MOST_UPDATES
from bot.core.session_id import SessionId
from bot.outbound.store import card_claims, pruning
from bot.outbound.store.card_changes import CardChanges, ClaimedCard, Exchanged, IncomingAlert, Placed, SentCard
from bot.outbound.store.card_rows import CardRows
from bot.outbound.store.pruning import prune
from bot.outbound.store.schema import cards, paces, session_checks
from bot.outbound.store.session_check_rows import SessionCheckRows
from bot.outbound.store.store import Store
from harness.stored import ACME, GLOBEX
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

NAME = (ACME.team_id, SESSION)
_numbers = itertools.count()


def card(channel: str = "C1", *, team: str = ACME.team_id, ts: str | None = "1.1") -> NewCard:
    session_id = SessionId(SESSION)
    content = first(Alert(session_id, "It spends.", fields=(("model", "large"),)), 0.0)
    return NewCard(f"card-{next(_numbers):04}", team, channel, session_id, content, ts)


def changed() -> CardChanges:
    return CardChanges(sessions={NAME: []})


async def exchange(rows: CardRows, changes: CardChanges | None = None, *, most: int = 100) -> Exchanged:
    return await rows.exchange(changes or CardChanges(), most=most)


async def sent(rows: CardRows, claimed: Iterable[ClaimedCard]) -> Exchanged:
    return await exchange(rows, CardChanges(sent=[SentCard(one, one.ts or "9.9", "digest") for one in claimed]))


async def test_a_card_is_claimed_by_one_process(store: Store) -> None:
    one, other = (CardRows(store.database, name) for name in ("one", "other"))
    claimed = (await exchange(one, CardChanges(new=[card()]))).claimed
    assert len(claimed) == 1
    assert not (await exchange(other)).claimed
    assert not (await sent(one, claimed)).claimed
    assert (await exchange(other)).next_in is None


async def test_what_changes_while_a_card_is_sent_is_sent_after_it(store: Store) -> None:
    rows = CardRows(store.database, "one")
    (claimed,) = (await exchange(rows, CardChanges(new=[card()]))).claimed
    again = await exchange(rows, changed())
    assert (again.open_cards, again.claimed) == ({NAME: frozenset({(ACME.team_id, "C1", "1.1")})}, [])
    next_in = (await sent(rows, [claimed])).next_in
    assert next_in is not None
    await asyncio.sleep(next_in)
    (newest,) = (await exchange(rows)).claimed
    assert ([part.version for part in newest.parts], newest.shown) == ([1], "digest")


async def test_a_card_of_a_process_that_has_ended_is_sent_by_another_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_claims, "LEASE", 1.2)
    monkeypatch.setattr(pace, "LONGEST_CALL", 1.2)
    one, other = (CardRows(store.database, name) for name in ("one", "other"))
    before = await exchange(one, CardChanges(new=[card(ts=None)]))
    await asyncio.sleep(1.3)
    second = await exchange(other)
    assert [claimed.parts for claimed in second.claimed] == [claimed.parts for claimed in before.claimed]
    await exchange(one, CardChanges(sent=[SentCard(before.claimed[0], "1.1", "late")]))
    await exchange(other, CardChanges(sent=[SentCard(second.claimed[0], "2.2", "ours")]))
    (row,) = await store.database.fetch_all(select(cards.c.ts, cards.c.shown, cards.c.due))
    assert tuple(row) == ("2.2", "ours", None)


async def test_all_processes_together_keep_the_pace_of_a_workspace(store: Store) -> None:
    one, other = (CardRows(store.database, name) for name in ("one", "other"))
    new = [card(f"C{number}") for number in range(MOST_UPDATES + 5)]
    elsewhere = card("C1", team=GLOBEX.team_id)
    before = await exchange(one, CardChanges(new=[*new, elsewhere]), most=30)
    second = await exchange(other)
    assert [len(before.claimed), len(second.claimed)] == [30, MOST_UPDATES - 30 + 1]
    assert second.next_in is not None
    assert second.next_in > 15  # the lease; the rest waits for a minute


async def test_a_card_in_a_busy_channel_waits_and_the_clicked_one_goes_first(store: Store) -> None:
    rows = CardRows(store.database, "one")
    claimed = (await exchange(rows, CardChanges(new=[card(ts="1.1"), card(ts="2.2"), card(ts="3.3")]))).claimed
    assert [one.ts for one in claimed] == ["1.1"]
    await sent(rows, claimed)
    changes = CardChanges(sessions={NAME: []}, clicked={(ACME.team_id, "C1", "3.3")})
    result = await exchange(rows, changes)
    assert result.next_in is not None
    assert 0 < result.next_in < 1.1
    await asyncio.sleep(1.1)
    assert [one.ts for one in (await exchange(rows)).claimed] == ["3.3"]


async def test_a_failed_attempt_is_repeated_later_and_a_refused_one_closes_the_card(store: Store) -> None:
    rows = CardRows(store.database, "one")
    (claimed,) = (await exchange(rows, CardChanges(new=[card()]))).claimed
    result = await exchange(rows, CardChanges(sent=[SentCard(claimed, retry_after=5.0, held_for=30.0)]))
    assert result.next_in is not None
    assert 4 < result.next_in <= 5
    await exchange(rows, CardChanges(new=[card("C2")]))
    assert not (await exchange(rows)).claimed  # Slack's Retry-After is for all updates
    await exchange(rows, CardChanges(sent=[SentCard(claimed)]))
    assert (await exchange(rows, changed())).open_cards == {NAME: frozenset({(ACME.team_id, "C2", "1.1")})}


async def test_a_card_that_is_written_twice_is_one(store: Store) -> None:
    rows, new = CardRows(store.database, "one"), card()
    for _ in range(2):
        await exchange(rows, CardChanges(new=[new]), most=0)
    assert len(await store.database.fetch_all(select(cards))) == 1


async def test_a_result_is_read_as_it_was_written(store: Store) -> None:
    rows, content = CardRows(store.database, "one"), ResultContent("id", "Paused \0 \ud800", ({"type": "divider"},))
    new = NewCard("a", ACME.team_id, "C1", SessionId(SESSION), content)
    (claimed,) = (await exchange(rows, CardChanges(new=[new]))).claimed
    assert [part.content for part in claimed.parts] == [content]


async def test_the_cards_of_a_deleted_workspace_are_deleted(store: Store) -> None:
    for installation in (ACME, GLOBEX):
        await store.rows.save(installation)
    rows = CardRows(store.database, "one")
    await exchange(rows, CardChanges(new=[card(), card(team=GLOBEX.team_id)]))
    await asyncio.sleep(0.1)
    await SessionCheckRows(store.database).claim(0.05)
    assert await store.rows.delete(ACME.team_id)
    for table in (cards, paces, session_checks):
        assert [row.team_id for row in await store.database.fetch_all(select(table))] == [GLOBEX.team_id]


async def test_the_end_of_an_attempt_brings_nothing_of_an_uninstalled_workspace_back(store: Store) -> None:
    await store.rows.save(ACME)
    rows = CardRows(store.database, "one")
    claimed = (await exchange(rows, CardChanges(new=[card()]))).claimed
    await store.rows.delete(ACME.team_id)
    await sent(rows, claimed)
    assert await store.database.fetch_all(select(paces)) == []


async def test_a_check_brings_nothing_of_an_uninstalled_workspace_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, change = store.database, store.database.change
    await store.rows.save(ACME)
    await exchange(CardRows(database, "one"), CardChanges(new=[card()]))

    async def change_after_uninstallation(work: Callable[[Connection], object]) -> object:
        monkeypatch.setattr(database, "change", change)
        await store.rows.delete(ACME.team_id)
        return await change(work)

    monkeypatch.setattr(database, "change", change_after_uninstallation)
    assert await SessionCheckRows(database).claim(0.0) == {}
    assert await database.fetch_all(select(session_checks)) == []


@pytest.mark.parametrize("days", [90, 3])
async def test_a_card_that_does_not_change_for_a_week_is_deleted(
    store: Store, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_PAUSE", 0.0)
    rows = CardRows(store.database, "one")
    await exchange(rows, CardChanges(new=[card(ts="1.1"), card(ts="2.2")]))
    old = cards.update().where(cards.c.ts == "1.1")
    await store.database.execute(old.values(changed_at=cards.c.changed_at - min(days, 7) * 86_400.0))
    await prune(store.database, days)
    assert [row.ts for row in await store.database.fetch_all(select(cards))] == ["2.2"]


def incoming(session: str = SESSION, *, is_resolved: bool = False) -> IncomingAlert:
    alert = Alert(SessionId(session), "It spends.", is_resolved=is_resolved)
    return IncomingAlert(f"card-{next(_numbers):04}", ACME.team_id, "C1", alert)


def sessions(count: int) -> list[str]:
    return [f"{number:08d}{SESSION[8:]}" for number in range(count)]


async def test_alerts_of_a_session_share_a_card_also_those_of_other_processes(store: Store) -> None:
    one, other = (CardRows(store.database, name) for name in ("one", "other"))
    alerts = [incoming(), incoming(), incoming()]
    result = await exchange(one, CardChanges(alerts=alerts[:2]))
    (claimed,) = result.claimed
    await sent(one, [claimed])
    later = await exchange(other, CardChanges(alerts=alerts[2:]))
    places = [(result.placed | later.placed)[alert.id] for alert in alerts]  # type: ignore[operator]
    card_id = alerts[0].id
    assert places == [Placed(card_id, None, 1, is_new=True), Placed(card_id, None, 2), Placed(card_id, "9.9", 3)]


async def test_a_resolved_alert_makes_no_card(store: Store) -> None:
    one = incoming(is_resolved=True)
    result = await exchange(CardRows(store.database, "one"), CardChanges(alerts=[one]))
    assert result.placed == {one.id: Placed("")}
    assert not result.claimed


async def test_many_sessions_become_a_summary_and_later_ones_join_it(store: Store) -> None:
    rows = CardRows(store.database, "one")
    result = await exchange(rows, CardChanges(alerts=[incoming(one) for one in sessions(8)]))
    (summary,) = result.claimed
    assert len(summary.parts) == 8
    await sent(rows, [summary])
    await asyncio.sleep(1.1)
    later = await exchange(rows, CardChanges(alerts=[incoming(one) for one in sessions(20)]))
    by_ts = {card.ts: len(card.parts) for card in later.claimed}
    assert by_ts == {"9.9": MOST_IN_SUMMARY, None: 20 - MOST_IN_SUMMARY}


async def test_no_alert_joins_a_summary_that_was_deleted(store: Store) -> None:
    rows, names = CardRows(store.database, "one"), sessions(7)
    (summary,) = (await exchange(rows, CardChanges(alerts=[incoming(one) for one in names[:6]]))).claimed
    await sent(rows, [summary])
    await exchange(rows, CardChanges(sent=[SentCard(summary)]))
    await asyncio.sleep(1.1)
    later = await exchange(rows, CardChanges(alerts=[incoming(names[6])]))
    assert [(one.ts, len(one.parts)) for one in later.claimed] == [(None, 1)]


async def test_a_workspace_is_checked_by_one_process_at_a_time(store: Store) -> None:
    one, other = SessionCheckRows(store.database), SessionCheckRows(store.database)
    assert await one.claim(0.3) == {}
    await exchange(CardRows(store.database, "one"), CardChanges(new=[card(), card(team=GLOBEX.team_id)]))
    assert await one.claim(0.3) == {}  # the cards are new
    await asyncio.sleep(0.4)
    claims = [(await rows.claim(0.3)).keys() for rows in (one, other)]
    assert [set(claim) for claim in claims] == [{ACME.team_id, GLOBEX.team_id}, set()]
    await one.postpone(ACME.team_id, 60.0)
    await asyncio.sleep(0.4)
    assert (await other.claim(0.3)).keys() == {GLOBEX.team_id}
    assert await other.sessions(GLOBEX.team_id) == {SESSION}
    await other.end(GLOBEX.team_id, {SESSION: "completed"})
    assert await other.sessions(GLOBEX.team_id) == frozenset()
