"""The end of a delivery whose result another process has taken over."""

from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.usecases.delivery import MessageDelivery
from harness.cards import client
from harness.order_rows import order_row


@pytest.mark.anyio
async def test_a_result_that_another_process_has_taken_over_is_not_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    slack: Any = AsyncMock()
    slack.post.return_value = client.TryAgain("busy")
    slack.find.return_value = None
    is_ours = AsyncMock(side_effect=[True, False])
    message: Any = AsyncMock(text="done")
    assert await MessageDelivery(slack, slack, slack).deliver(order_row().address, message, is_ours=is_ours) is None
    assert slack.post.await_count == 2
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
