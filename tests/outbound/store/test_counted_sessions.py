"""Beyond so many sessions that wait to be posted, the last message of a channel counts the further ones."""

import asyncio
from dataclasses import replace

import pytest

from bot.outbound.store.cards import CardRows
from harness.cards import ClaimedCard, SentCard, cards_of, exchange, incoming_alert, urgencies
from harness.product import Store
from harness.stored import fetch

pytestmark = pytest.mark.anyio

MOST_WAITING, MOST_IN_SUMMARY = 3, 12


@pytest.fixture(autouse=True)
def few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outbound.store.alerts.MOST_WAITING", MOST_WAITING)
    monkeypatch.setattr("bot.core.retries.CALL_INTERVAL", 0.01)


@pytest.fixture
def rows(store: Store) -> CardRows:
    return cards_of(store)


@pytest.fixture
def others(store: Store) -> CardRows:
    """The rows as another process sees them."""
    return CardRows(store.database, "other")


async def alerts(rows: CardRows, *sessions: int, channel: str = "C1", team: str = "T1") -> list[int]:
    """Place an alert about each of these sessions; return the total that it was counted in, or 0."""
    new = [replace(incoming_alert(f"{n:04}", session=n), channel_id=channel, team_id=team) for n in sessions]
    result = await exchange(rows, most=0, alerts=new)
    return [result.placed[one.id].total for one in new]


async def next_message(rows: CardRows, ts: str | None = None) -> ClaimedCard:
    """Claim the next message that is to be posted, or the update of `ts`."""
    for _ in range(100):
        for claimed in (await exchange(rows)).claimed:
            if claimed.ts == ts:
                return claimed
        await asyncio.sleep(0.01)
    raise AssertionError("nothing is due")


async def end(rows: CardRows, card: ClaimedCard, ts: str) -> None:
    """Record that Slack took it."""
    await exchange(rows, most=0, sent=[SentCard(card, ts, "digest")])


def numbers(card: ClaimedCard) -> list[int]:
    return [int(part.session_id[-12:], 16) for part in card.parts]


def total(card: ClaimedCard) -> int:
    return max(getattr(part.content, "total", 0) for part in card.parts)


async def test_further_sessions_are_one_message_after_those_that_wait_and_its_count_goes_up(
    store: Store, rows: CardRows, others: CardRows, caplog: pytest.LogCaptureFixture
) -> None:
    assert await alerts(rows, 1, 2, 3, 4, 5) == [0, 0, 0, 2, 2]
    assert await alerts(others, 6) == [3]
    for number in (1, 2, 3):
        waiting = await next_message(rows)
        assert numbers(waiting) == [number]
        await end(rows, waiting, f"1.{number}")
    last = await next_message(others)
    assert (last.ts, numbers(last), total(last)) == (None, [4, 5, 6], 3)
    assert await alerts(rows, 11, 12, 13, channel="C2") == [0, 0, 0]
    assert await alerts(rows, 14, 15, 16, 17) == [7] * 4  # while it is being posted
    await end(others, last, "9.9")
    assert await alerts(others, *range(20, 40)) == [27] * 20
    updated = await next_message(rows, "9.9")
    assert (numbers(updated), total(updated), urgencies(updated)) == (list(range(28, 40)), 27, {"UPDATE"})
    assert await fetch(store, "SELECT count(*) FROM cards WHERE kind = 'listed'") == [(MOST_IN_SUMMARY,)]
    assert [record.levelname for record in caplog.records if "too many sessions wait" in record.message] == ["WARNING"]


async def test_each_workspace_has_its_limit_and_each_channel_its_message(rows: CardRows) -> None:
    assert await alerts(rows, 1, 2, 3, 4) == [0, 0, 0, 1]
    assert await alerts(rows, 5, 6, channel="C2") == [2, 2]
    assert await alerts(rows, 7, 8, 9, 10, team="T2") == [0, 0, 0, 1]


async def test_a_message_that_is_unconfirmed_or_refused_is_followed_by_one_with_those_that_came_since(
    rows: CardRows,
) -> None:
    await alerts(rows, 1, 2, 3, channel="C2")
    await alerts(rows, 4, 5)
    (last,) = [one for one in (await exchange(rows)).claimed if one.channel_id == "C1"]
    await exchange(rows, most=0, sent=[SentCard(last)])
    await alerts(rows, 6)
    again = [one for one in [await next_message(rows)] if one.channel_id == "C1"]
    assert [(one.ts, numbers(one), total(one)) for one in again] == [(None, [6], 3)]
