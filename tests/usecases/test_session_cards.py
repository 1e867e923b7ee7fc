"""The cards of an order: when they show it, and how it ends without a database."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.usecases.session_cards import SessionCards
from harness.order_rows import order_row
from harness.product import errors, outcomes, requests

pytestmark = pytest.mark.anyio

PAUSE = requests.Verb.PAUSE


@pytest.fixture
def outbox() -> Any:
    return Mock()


@pytest.fixture
def rows() -> Any:
    return Mock()


def cards(rows: Any, outbox: Any) -> SessionCards:
    states: Any = AsyncMock()
    return SessionCards(rows, outbox, states, dashboard_url="https://dashboard.example", find=AsyncMock())


def entry(verb: requests.Verb, **changes: Any) -> Any:
    row = order_row(verb)
    said = {"outcome": None, "is_allowed": False, "is_recorded": False} | changes
    result = Mock(done=Mock(return_value=False))
    return Mock(id="1", order=row.order, session=row.session, address=row.address, result=result, **said)


async def test_pausing_is_shown_when_the_order_is_recorded_and_sent(rows: Any, outbox: Any) -> None:
    order = entry(PAUSE, is_allowed=True)
    for one in (order, entry(PAUSE, outcome=outcomes.Paused(), is_allowed=True, is_recorded=True)):
        cards(rows, outbox).watch(one)
    await asyncio.sleep(1.0)
    rows.show.assert_not_called()
    order.is_recorded = True
    await asyncio.sleep(1.0)
    rows.show.assert_called_once_with(order)


async def test_without_a_database_nothing_is_announced(
    rows: Any, outbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gone = errors.StoreUnreachableError("gone")
    order, find = entry(PAUSE, outcome=outcomes.Paused()), AsyncMock(side_effect=gone)
    order.order = replace(order.order, actor=replace(order.order.actor, channel_id=""))
    await replace(cards(rows, outbox), find=find).announce([order], {})
    outbox.remember.assert_not_called()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
