"""The rounds of a delivery, and their end."""

import asyncio
from typing import Any

import pytest

from bot.core.requests import Actor, ReplyAddress
from bot.core.secret import Secret
from bot.messages.message import ephemeral
from bot.outbound.slack.delivery import Delivery, TryAgain
from bot.usecases import message_delivery as module
from bot.usecases.message_delivery import MessageDelivery
from harness.order_rows import RESPONSE_URL

pytestmark = pytest.mark.anyio

ADDRESS = ReplyAddress(Actor("T0HOME00001", "C0ALERTS001", "U0ALICE0001"), Secret(RESPONSE_URL))


class BusySlack:
    """A Slack that accepts nothing for now, with no workspace to post in."""

    def __init__(self) -> None:
        self.posts = 0

    async def post(self, *_: object, **__: object) -> Delivery:
        self.posts += 1
        return TryAgain("busy")

    async def find(self, _: str) -> None:
        return None


async def test_a_result_that_another_process_has_taken_over_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_SHORTEST_PAUSE", 0.0)
    monkeypatch.setattr(module, "round_times", lambda: iter([0.0, 0.01, 0.02, 0.03]))
    slack: Any = BusySlack()
    verdicts = [True, False]

    async def is_ours() -> bool:
        return verdicts.pop(0)

    assert await MessageDelivery(slack, slack, slack).deliver(ADDRESS, ephemeral("done"), is_ours=is_ours) is None
    assert slack.posts == 2
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_second_delivery_of_a_result_ends_as_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack can send a command again while the result of the first one waits for its next round."""
    monkeypatch.setattr(module, "_SHORTEST_PAUSE", 0.0)
    monkeypatch.setattr(module, "round_times", lambda: iter([0.0, 0.05]))
    slack: Any = BusySlack()
    delivery = MessageDelivery(slack, slack, slack)
    assert await asyncio.gather(*(delivery.deliver(ADDRESS, ephemeral("done")) for _ in range(2))) == [None, None]
    assert slack.posts == 2
