"""The outcomes of a batch's orders: another process tells those that it has."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.usecases.orders import Orders


@pytest.mark.anyio
@pytest.mark.parametrize(("settled", "is_repeated", "count"), [(Mock(), False, 1), (Mock(), True, 0), (None, False, 0)])
async def test_what_another_process_tells_is_not_recorded_as_told(
    settled: Any, count: int, *, is_repeated: bool
) -> None:
    result = asyncio.get_running_loop().create_future()
    result.set_result(settled)
    orders = Mock(session_cards=AsyncMock())
    await Orders.let_batch_tell(orders, Mock(result=result, is_repeated=is_repeated), Mock())
    assert orders.record_told.call_count == count
