"""The outcomes of a batch's orders: another process tells those that it has."""

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest

from bot.usecases.orders import Orders
from harness.product import outcomes


@pytest.mark.anyio
@pytest.mark.parametrize(("outcome", "count"), [(outcomes.Paused(), 1), (None, 0)])
async def test_what_another_process_tells_is_not_recorded_as_told(outcome: outcomes.Outcome | None, count: int) -> None:
    async def execute() -> outcomes.Outcome | None:
        return outcome

    running, orders = Mock(outcome=asyncio.ensure_future(execute())), Mock(session_cards=AsyncMock())
    await Orders.let_batch_tell(orders, running, Mock())
    assert orders.journal.told.call_count == count
