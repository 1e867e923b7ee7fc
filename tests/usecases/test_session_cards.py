"""Cards follow an order whose record comes late, and nobody waits for them."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.usecases.session_cards import SessionCards
from harness.order_rows import order_row
from harness.product import errors, outcomes, requests

pytestmark = pytest.mark.anyio

PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME


@pytest.fixture
def outbox() -> Any:
    return Mock()


def cards(outbox: Any, *saying_paused: Any) -> SessionCards:
    states: Any = AsyncMock()
    states.channels_saying_paused.side_effect = saying_paused
    return SessionCards(outbox, states, lambda: 0.0, dashboard_url="https://dashboard.example")


def entry(verb: requests.Verb, **changes: Any) -> Any:
    written = asyncio.get_running_loop().create_future()
    row = order_row(verb)
    said = {"outcome": None, "is_allowed": False, "is_stored": False, "is_lost": False} | changes
    return Mock(id="1", order=row.order, address=row.address, written=written, **said)


async def test_cards_are_updated_when_the_outcome_is_recorded_late(outbox: Any) -> None:
    late = entry(PAUSE)
    assert not await cards(outbox).update(late, outcomes.Paused())
    outbox.refresh.assert_not_called()
    late.written.set_result(True)
    await asyncio.sleep(0)
    outbox.refresh.assert_called_once()


async def test_pausing_is_shown_when_the_order_is_recorded_and_sent(outbox: Any) -> None:
    order = entry(PAUSE, is_allowed=True)
    for one in (order, entry(PAUSE, outcome=outcomes.Paused(), is_allowed=True, is_stored=True)):
        cards(outbox).watch(one)
    await asyncio.sleep(1.0)
    outbox.refresh.assert_not_called()
    order.is_stored = True
    await asyncio.sleep(1.0)
    outbox.refresh.assert_called_once()


async def test_without_a_database_a_resume_is_reported_in_its_own_thread_alone(
    outbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gone = errors.StoreUnreachableError("gone")
    for in_thread, found, channels in (
        (True, gone, ["C0ALERTS001"]),
        (False, gone, []),
        (True, {"C0OTHER0001"}, ["C0ALERTS001", "C0OTHER0001"]),
        (False, {"C0OTHER0001"}, ["C0OTHER0001"]),
    ):
        outbox.remember.reset_mock()
        await cards(outbox, found).report(entry(RESUME), outcomes.Resumed(), in_thread=in_thread)
        assert [call.args[0][0].channel_id for call in outbox.remember.call_args_list] == channels
    outbox.remember.reset_mock()
    await cards(outbox).report(entry(RESUME, is_lost=True), outcomes.Resumed(), in_thread=True)
    outbox.remember.assert_not_called()
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
