"""Cards follow an order whose record comes late, and nobody waits for them."""

import asyncio
import logging
from typing import Any

import pytest

from bot.core.card import NewCard, SessionName
from bot.core.outcomes import Outcome, Paused, Resumed
from bot.core.policy import NotNamed
from bot.core.requests import Verb
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.journal_entry import JournalEntry
from bot.usecases import session_cards as module
from bot.usecases.session_cards import SessionCards
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio


class World:
    """An outbox that counts, and a journal whose reads fail or find one channel."""

    def __init__(self, *, fails: bool = False) -> None:
        self.refreshed: list[SessionName] = []
        self.new: list[NewCard] = []
        self.fails = fails

    def refresh(self, session: SessionName, **_: object) -> asyncio.Future[frozenset[Any]]:
        self.refreshed.append(session)
        names: asyncio.Future[frozenset[Any]] = asyncio.get_running_loop().create_future()
        names.set_result(frozenset())
        return names

    def remember(self, new: list[NewCard]) -> None:
        self.new += new

    async def channels_saying_paused(self, *_: str) -> frozenset[str]:
        if self.fails:
            raise StoreUnreachableError("gone")
        return frozenset({"C0OTHER0001"})

    def cards(self) -> SessionCards:
        world: Any = self
        return SessionCards(world, world, lambda: 0.0, dashboard_url="https://dashboard.example")


def entry(verb: Verb = Verb.PAUSE) -> JournalEntry:
    row = order_row(verb)
    return JournalEntry(row.order, row.address, 0.0)


async def test_cards_are_updated_when_the_outcome_is_recorded_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KNOWN_WITHIN", 0.01)
    world, late = World(), entry()
    assert not await world.cards().update(late, Paused())
    assert world.refreshed == []
    late.written.set_result(True)
    await asyncio.sleep(0)
    assert len(world.refreshed) == 1


async def test_a_refused_order_changes_no_card_unless_it_was_being_sent() -> None:
    world, refused = World(), entry()
    refused.written.set_result(True)
    outcome: Outcome = NotNamed(frozenset({"U1"}))
    await world.cards().update(refused, outcome)
    assert world.refreshed == []
    refused.is_allowed = True
    await world.cards().update(refused, outcome)
    assert len(world.refreshed) == 1


async def test_pausing_is_shown_when_the_order_is_recorded_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSING_AFTER", 0.01)
    world, order, done = World(), entry(), entry()
    done.outcome = Paused()
    for one in (order, done, entry(Verb.RESUME)):
        world.cards().watch(one)
    await asyncio.sleep(0.05)
    assert world.refreshed == []
    order.is_allowed = order.is_stored = True
    await asyncio.sleep(0.05)
    assert len(world.refreshed) == 1


@pytest.mark.parametrize(
    ("fails", "in_thread", "channels"),
    [
        (False, False, ["C0OTHER0001"]),
        (False, True, ["C0ALERTS001", "C0OTHER0001"]),
        (True, True, ["C0ALERTS001"]),
        (True, False, []),
    ],
)
async def test_a_resume_is_reported_once_in_each_channel_that_says_paused(
    *, fails: bool, in_thread: bool, channels: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    world, lost = World(fails=fails), entry(Verb.RESUME)
    await world.cards().report(entry(Verb.RESUME), Resumed(), in_thread=in_thread)
    assert [card.channel_id for card in world.new] == channels
    assert len(caplog.records) == int(fails)
    lost.is_lost = True
    await world.cards().report(lost, Resumed(), in_thread=True)
    assert len(world.new) == len(channels)
