"""The end of a delivery: another process has taken its result over, Slack never takes it, or nobody is there."""

import time
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.usecases.delivery import MessageDelivery
from harness.cards import client
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio


async def test_a_result_is_given_up_after_half_an_hour_in_which_each_route_was_tried_when_slack_allows_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slack: Any = AsyncMock()
    slack.post.return_value = client.TryAgain("busy", after=10.0)
    slack.find.return_value = None
    began, message = time.monotonic(), AsyncMock(text="done")
    assert await MessageDelivery(slack, slack, slack).deliver(order_row().address, message) is None
    assert time.monotonic() - began == pytest.approx(1_800.0, abs=30.0)
    assert slack.post.await_count == 35
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["result not delivered"]


async def test_no_message_is_sent_to_a_forgotten_person() -> None:
    slack: Any = AsyncMock()
    message: Any = AsyncMock(text="done")
    assert not await MessageDelivery(slack, slack, slack).send_dm("T0HOME00001", "forgotten-1", message)
    assert slack.mock_calls == []
