"""An ack that did not reach Slack: what it said is delivered in another way."""

import time
from unittest.mock import create_autospec

import pytest

from bot.concurrency import Tasks
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.listener import ACK_WAIT, Ack
from bot.inbound.slack.payload import read_address
from bot.messages.message import ephemeral
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.orders import Orders

pytestmark = pytest.mark.anyio

PAYLOAD = {"team_id": "T0HOME00001", "channel_id": "C0ALERTS001", "user_id": "U0ALICE0001"}


@pytest.mark.parametrize(("is_announcement", "count"), [(False, 1), (True, 0)])
async def test_an_answer_that_is_no_result_is_delivered_unless_it_only_announces_one(
    *, is_announcement: bool, count: int
) -> None:
    delivery, tasks = create_autospec(MessageDelivery, instance=True), Tasks()
    app = SlackApp([], create_autospec(Orders, instance=True), delivery, tasks, time.time, ack_wait=ACK_WAIT)
    message = ephemeral("how it is used")
    app.deliver_lost_ack(PAYLOAD, Ack(message, is_announcement=is_announcement))
    assert await tasks.settle(within=10)
    assert [call.args for call in delivery.deliver.call_args_list] == [(read_address(PAYLOAD), message)] * count
