"""The cards of an order: when they show it, when its result is not told, and how it ends without a database."""

import asyncio
import time
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.usecases.session_cards import SessionCards
from harness.order_rows import order_row
from harness.product import errors, outcomes, requests, sessions
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME


@pytest.fixture
def outbox() -> Any:
    return Mock()


@pytest.fixture
def journal() -> Any:
    return Mock()


def cards(journal: Any, outbox: Any) -> SessionCards:
    states: Any = AsyncMock()
    return SessionCards(journal, outbox, states, dashboard_url="https://dashboard.example", find=AsyncMock())


def entry(verb: requests.Verb, **changes: Any) -> Any:
    written = asyncio.get_running_loop().create_future()
    row = order_row(verb)
    said = {"outcome": None, "is_allowed": False, "is_stored": False, "is_lost": False} | changes
    return Mock(id="1", order=row.order, session=row.session, address=row.address, written=written, **said)


async def test_a_result_waits_no_longer_than_a_second_for_the_record_of_its_outcome(journal: Any, outbox: Any) -> None:
    began = time.monotonic()
    assert not await cards(journal, outbox).is_card(entry(PAUSE, concerns_cards=True, cards=frozenset()))
    assert time.monotonic() - began == pytest.approx(1.0, abs=0.1)


async def test_pausing_is_shown_when_the_order_is_recorded_and_sent(journal: Any, outbox: Any) -> None:
    order = entry(PAUSE, is_allowed=True)
    for one in (order, entry(PAUSE, outcome=outcomes.Paused(), is_allowed=True, is_stored=True)):
        cards(journal, outbox).watch(one)
    await asyncio.sleep(1.0)
    journal.show.assert_not_called()
    order.is_stored = True
    await asyncio.sleep(1.0)
    journal.show.assert_called_once_with(order)


@pytest.mark.parametrize(
    ("found", "is_needless"),
    [("paused", False), ("resumed", True), ("ended", True), (errors.StoreUnreachableError("gone"), False)],
)
async def test_an_undone_resume_is_not_told_if_the_session_has_changed_since(
    journal: Any, outbox: Any, found: Any, *, is_needless: bool
) -> None:
    order, shown = entry(RESUME, outcome=outcomes.Undone("1", "U0BOB000001", 0.0)), cards(journal, outbox)
    order.written.set_result(True)
    of: Any = shown.states.of
    of.side_effect = [{SESSION: Mock(phase=sessions.Phase(found))} if isinstance(found, str) else found]
    assert await shown.is_needless(order) is is_needless


async def test_without_a_database_nothing_is_announced(
    journal: Any, outbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gone = errors.StoreUnreachableError("gone")
    order, find = entry(PAUSE, outcome=outcomes.Paused()), AsyncMock(side_effect=gone)
    order.order = replace(order.order, actor=replace(order.order.actor, channel_id=""))
    await replace(cards(journal, outbox), find=find).announce([order], {})
    outbox.remember.assert_not_called()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
