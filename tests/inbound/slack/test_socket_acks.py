"""Acks of Socket Mode: over which connection, of which size, once, and in another way if no connection takes them."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.inbound.slack.socket_mode import SocketAcks
from harness.product import Tasks
from inbound.slack.test_socket_connection import envelope

pytestmark = pytest.mark.anyio

MOST = 20_480
"""Bytes of a frame; Slack closes a connection that gets more."""
EMPTY = '{"envelope_id": "1"}'


class Link:
    """A connection that keeps what is sent, or fails to send it."""

    def __init__(self, *, is_broken: bool = False, is_closing: bool = False) -> None:
        self.is_broken = is_broken
        self.sent: list[str] = []
        self.closing = asyncio.Event()
        if is_closing:
            self.closing.set()

    async def send(self, frame: str) -> None:
        if self.is_broken:
            raise ConnectionResetError(frame)
        self.sent.append(frame)


class Scene:
    """An app whose acks have these fields, and connections, the oldest first."""

    def __init__(self, *links: Link, fields: object = None, placeholder: object = None, status: int = 200) -> None:
        ack = SimpleNamespace(status=status, json=lambda: fields, placeholder=lambda: placeholder)
        self.app = Mock(dispatch=AsyncMock(return_value=ack))
        self.tasks: Any = Tasks()
        self.acks = SocketAcks(self.app, self.tasks, lambda: None)
        for link in links:
            self.acks.add(link)  # type: ignore[arg-type]

    def answer(self, number: int = 1) -> None:
        self.acks.answer(envelope(number), time.monotonic(), 0.0)

    async def settle(self) -> int:
        """Wait until everything is answered. Return how many acks are delivered in another way."""
        assert await self.tasks.settle(within=10)
        return len(self.app.deliver_lost_ack.call_args_list)


@pytest.mark.parametrize(
    ("links", "chosen"),
    [
        ([{}, {}], 1),
        ([{}, {"is_closing": True}], 0),
        ([{"is_closing": True}, {"is_closing": True}], 1),
        ([{}, {"is_broken": True}], 0),
        ([{"is_closing": True}, {"is_broken": True}, {"is_broken": True}], 0),
    ],
)
async def test_an_ack_goes_over_the_newest_connection_that_works(links: list[dict[str, bool]], chosen: int) -> None:
    opened = [Link(**link) for link in links]
    scene = Scene(*opened)
    scene.answer()
    assert await scene.settle() == 0
    assert [link.sent for link in opened] == [[EMPTY] * (number == chosen) for number in range(len(opened))]
    scene.app.ack_sent.assert_called_once()


async def test_an_ack_waits_three_seconds_for_a_connection_and_then_its_message_goes_another_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for follows_after, count in ((2.0, 0), (4.0, 1)):
        scene, link = Scene(Link(is_broken=True)), Link()
        scene.answer()
        await asyncio.sleep(follows_after)
        scene.acks.add(link)  # type: ignore[arg-type]
        assert await scene.settle() == count
        assert len(link.sent) == 1 - count
    assert caplog.messages == ["no connection to Slack; ack not sent in time"]


@pytest.mark.parametrize(("status", "count"), [(200, 1), (503, 0)])
async def test_an_envelope_that_comes_again_meanwhile_is_answered_once_and_a_failed_event_not_at_all(
    status: int, count: int
) -> None:
    link = Link()
    scene = Scene(link, status=status)
    for _ in range(2):
        for _ in range(2):
            scene.answer()
        await scene.settle()
    assert link.sent == [EMPTY] * 2 * count
    assert len(scene.app.dispatch.call_args_list) == 2


async def test_an_envelope_beyond_thirty_thousand_is_left_for_slack_to_send_again() -> None:
    for count, starts in ((29_999, 2), (30_000, 0)):
        tasks: Any = Mock(__len__=lambda _, count=count: count)
        acks = SocketAcks(Mock(), tasks, lambda: None)
        tasks.start.side_effect = lambda work: work.close()
        for is_bad in (False, True):
            acks.answer(envelope(1 + is_bad, is_bad=is_bad), 0.0, 0.0)
        assert tasks.start.call_count == starts
