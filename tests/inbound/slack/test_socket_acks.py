"""Acks that are too long for a frame of Socket Mode."""

import asyncio
import json
from unittest.mock import create_autospec

import pytest

from bot.concurrency import Tasks
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.listener import Ack
from bot.inbound.slack.socket_acks import SocketAcks
from bot.inbound.slack.socket_connection import SocketConnection
from bot.inbound.slack.socket_frames import Envelope
from bot.messages.message import Message, as_response, ephemeral

pytestmark = pytest.mark.anyio

MOST = 20_480
"""Bytes of a frame; Slack closes a connection that gets more."""
EMPTY = '{"envelope_id": "1"}'
REST = len(json.dumps({"envelope_id": "1", "payload": as_response(ephemeral(""))}))
LONGEST = ephemeral("x" * (MOST - REST))
TOO_LONG = ephemeral("é" * (MOST // 6))


async def sent(ack: Ack) -> tuple[str, list[Message]]:
    """Answer an envelope with `ack`. Return the frame, and the messages that are delivered in another way."""
    app = create_autospec(SlackApp, instance=True)
    app.dispatch.return_value = ack
    connection = create_autospec(SocketConnection, instance=True, closing=asyncio.Event())
    tasks = Tasks()
    acks = SocketAcks(app, tasks, lambda: None)
    acks.add(connection)
    acks.answer(Envelope("1", {"command": "/x"}, accepts_response_payload=True), 1e12, 0.0)
    assert await tasks.settle(within=10)
    (frame,) = (call.args[0] for call in connection.send.call_args_list)
    return frame, [call.args[1].message for call in app.deliver_lost_ack.call_args_list]


async def test_a_message_of_the_longest_frame_is_in_the_ack() -> None:
    frame, delivered = await sent(Ack(LONGEST))
    assert len(frame) == MOST
    assert delivered == []


async def test_a_message_over_the_limit_is_delivered_in_another_way() -> None:
    assert await sent(Ack(TOO_LONG)) == (EMPTY, [TOO_LONG])


async def test_other_json_over_the_limit_is_left_out() -> None:
    assert await sent(Ack(fields={"response_action": "x" * MOST})) == (EMPTY, [])


async def test_an_envelope_beyond_the_limit_is_left_for_slack_to_send_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.inbound.slack.socket_acks._MOST_UNANSWERED", 0)
    app = create_autospec(SlackApp, instance=True)
    tasks = Tasks()
    acks = SocketAcks(app, tasks, lambda: None)
    acks.answer(Envelope("1", {}, accepts_response_payload=False), 1e12, 0.0)
    acks.send("{}", 1e12)
    assert len(tasks) == 0


async def test_an_envelope_that_comes_again_meanwhile_is_answered_once_and_a_failed_event_not_at_all() -> None:
    app = create_autospec(SlackApp, instance=True)
    connection = create_autospec(SocketConnection, instance=True, closing=asyncio.Event())
    tasks = Tasks()
    acks = SocketAcks(app, tasks, lambda: None)
    acks.add(connection)
    for ack, count in ((Ack(), 1), (Ack(status=503), 0)):
        app.dispatch.return_value = ack
        for _ in range(2):
            acks.answer(Envelope("1", {}, accepts_response_payload=False), 1e12, 0.0)
        assert await tasks.settle(within=10)
        assert len(connection.send.call_args_list) == count
        connection.send.reset_mock()
