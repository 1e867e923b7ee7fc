"""The outbox of cards: its transactions, what it does without a database, and its end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.core.alert import Alert
from bot.core.alert_fold import first
from bot.core.session_id import SessionId
from bot.metrics import Metrics
from bot.outbound.slack.delivery import Refused
from bot.outbound.store.card_changes import (
    CardChanges,
    CardPart,
    ClaimedCard,
    Exchanged,
    IncomingAlert,
    Placed,
    SentCard,
)
from bot.outbound.store.errors import StoreUnreachableError
from bot.usecases import card_outbox as module
from bot.usecases.card_outbox import CardOutbox
from bot.usecases.card_sender import Attempt
from harness.texts import OTHER_SESSION, SESSION

pytestmark = pytest.mark.anyio

ALERT = Alert(session_id=SessionId(SESSION), text="it loops")


def part(name: str) -> CardPart:
    return CardPart(name, SessionId(SESSION), first(ALERT, 0.0), 0)


def claimed(*names: str) -> ClaimedCard:
    return ClaimedCard(team_id="T1", channel_id="C1", ts=None, shown=None, attempts=0, parts=tuple(map(part, names)))


class Rows:
    """Rows that claim each of `cards` once, and keep what they got: the changes, and the most cards to claim."""

    def __init__(self, *cards: ClaimedCard) -> None:
        self.cards = list(cards)
        self.changes: list[CardChanges] = []
        self.most: list[int] = []
        self.fails = False

    async def exchange(self, changes: CardChanges, *, most: int) -> Exchanged:
        self.changes.append(changes)
        self.most.append(most)
        if self.fails:
            raise StoreUnreachableError("gone")
        placed = {one.id: Placed(one.id, is_new=True) for one in changes.alerts}
        return Exchanged(placed=placed, claimed=[self.cards.pop()] if self.cards and most else ())


class Sender:
    """A sender whose attempts end as `attempt` says, once `goes_on` is set."""

    def __init__(self, attempt: Callable[[ClaimedCard], Attempt]) -> None:
        self.attempt = attempt
        self.began = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def send(self, card: ClaimedCard) -> Attempt:
        self.began.set()
        await self.goes_on.wait()
        return self.attempt(card)


class Counts(Metrics):
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def alerted(self, outcome: str) -> None:
        self.outcomes.append(outcome)


def posted(card: ClaimedCard) -> Attempt:
    return Attempt(SentCard(card, ts="1.1", shown="digest"))


def refused(card: ClaimedCard) -> Attempt:
    return Attempt(SentCard(card), Refused("channel_not_found"))


@asynccontextmanager
async def running(rows: Any, sender: Sender | None = None, metrics: Metrics | None = None) -> AsyncIterator[CardOutbox]:
    outbox = CardOutbox(rows, sender.send if sender else None, metrics or Metrics())
    work = asyncio.create_task(outbox.run())
    async with asyncio.timeout(5):
        yield outbox
        outbox.stop()
        await work


async def test_what_was_sent_is_recorded_at_the_end_and_nothing_more_is_claimed() -> None:
    rows, sender = Rows(claimed("later"), claimed("now")), Sender(posted)
    async with running(rows, sender) as outbox:
        await sender.began.wait()
        outbox.stop()
        sender.goes_on.set()
    assert [bool(most) for most in rows.most] == [True, False]
    assert [sent.card for sent in rows.changes[-1].sent] == [claimed("now")]


async def test_a_post_without_an_answer_does_not_keep_the_others_from_being_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CLOSE_TIMEOUT", 0.01)
    rows, sender = Rows(claimed("now")), Sender(posted)
    async with running(rows, sender) as outbox:
        await sender.began.wait()
        changed = outbox.refresh(("T1", SessionId(OTHER_SESSION)))
    assert changed.done()
    assert rows.most[-1] == 0


async def test_very_many_sessions_are_written_in_several_transactions() -> None:
    rows = Rows()
    sessions = [(f"T{number}", SessionId(SESSION)) for number in range(2_500)]
    async with running(rows) as outbox:
        names = [outbox.refresh(session, clicked=("T1", "C1", session[0])) for session in sessions]
        await asyncio.wait(names)
    assert [len(changes.sessions) for changes in rows.changes][:3] == [1_000, 1_000, 500]
    assert [session for changes in rows.changes for session in changes.sessions] == sessions
    assert max(len(changes.clicked) for changes in rows.changes) == 1_000


async def test_what_waits_at_the_end_is_written_to_the_last_session() -> None:
    rows = Rows()
    async with running(rows) as outbox:
        for number in range(2_500):
            outbox.refresh((f"T{number}", SessionId(SESSION)))
        outbox.stop()
    assert sum(len(changes.sessions) for changes in rows.changes) == 2_500


async def test_clicked_messages_are_bounded_while_the_database_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    monkeypatch.setattr(module, "_RETRY_DELAY", 0.0)
    rows = Rows()
    rows.fails = True
    async with running(rows) as outbox:
        for number in range(30):
            await asyncio.wait({outbox.refresh(("T1", SessionId(SESSION)), clicked=("T1", "C1", str(number)))})
    assert max(len(changes.clicked) for changes in rows.changes) <= 11


async def test_an_alert_does_not_wait_for_a_database_that_failed_before() -> None:
    rows = Rows()
    rows.fails = True
    async with running(rows) as outbox:
        assert await outbox.post(IncomingAlert("1", "T1", "C1", ALERT), within=5) is None
        tried = len(rows.changes)
        assert await outbox.post(IncomingAlert("2", "T1", "C1", ALERT), within=5) is None
        assert len(rows.changes) == tried


async def test_a_queued_alert_that_slack_refuses_later_is_counted() -> None:
    rows, sender, counts = Rows(claimed("queued")), Sender(refused), Counts()
    async with running(rows, sender, counts):
        await sender.began.wait()
        sender.goes_on.set()
    assert counts.outcomes == ["Refused"]


async def test_an_alert_whose_sender_hears_that_slack_refuses_it_is_counted_there() -> None:
    rows, sender, counts = Rows(), Sender(refused), Counts()
    async with running(rows, sender, counts) as outbox:
        rows.cards.append(claimed("waits"))
        posting = asyncio.create_task(outbox.post(IncomingAlert("waits", "T1", "C1", ALERT), within=5))
        await sender.began.wait()
        sender.goes_on.set()
        placed = await posting
    assert placed == (Placed("waits", is_new=True), Refused("channel_not_found"))
    assert counts.outcomes == []
