"""Answer the envelopes of Socket Mode over the open connections.

Slack delivers over any connection, and accepts an ack over any. So an envelope of a connection that closes can be
acknowledged over the next one.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from http import HTTPStatus

from bot import request_id
from bot.concurrency import Tasks
from bot.inbound.slack import socket_frames as frames
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.socket_connection import SocketConnection

_log = logging.getLogger(__name__)

ACK_TIMEOUT = 3.0
"""Seconds that Slack waits for an ack."""

MOST_UNANSWERED = 30_000


class SocketAcks:
    """The open connections, and the envelopes without an ack; `tasks` has one for each.

    `on_last_lost` is called when no connection is left.
    """

    def __init__(self, slack_app: SlackApp, tasks: Tasks, on_last_lost: Callable[[], None]) -> None:
        self.connections: list[SocketConnection] = []
        self._slack_app = slack_app
        self._tasks = tasks
        self._on_last_lost = on_last_lost
        self._unanswered: set[str] = set()
        self._is_open = asyncio.Event()

    def add(self, connection: SocketConnection) -> None:
        """Send over this connection too."""
        self.connections.append(connection)
        self._is_open.set()

    def discard(self, connection: SocketConnection) -> None:
        """Send no more over the connection."""
        connection.closing.set()
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        if not self.connections:
            self._is_open.clear()
            self._on_last_lost()

    def end(self) -> None:
        """Let no connection follow: an ack that was not sent by now is lost."""
        self.connections.clear()
        self._is_open.set()

    def answer(
        self, envelope: frames.Envelope, received_at: float, standstill: float, *, may_be_old: bool = False
    ) -> None:
        """Start to answer an envelope, unless that has begun, or too many are unanswered: Slack sends it again.

        Slack shows no ack of an old one: its person has seen an error.
        """
        if envelope.envelope_id not in self._unanswered and len(self._tasks) < MOST_UNANSWERED:
            self._unanswered.add(envelope.envelope_id)
            self._tasks.start(self._answer(envelope, received_at, standstill, may_be_old=may_be_old))

    def send(self, ack: str, received_at: float) -> None:
        """Start to send an ack, unless too many are unanswered."""
        if len(self._tasks) < MOST_UNANSWERED:
            self._tasks.start(self._send(ack, received_at))

    async def _answer(
        self, envelope: frames.Envelope, received_at: float, standstill: float, *, may_be_old: bool
    ) -> None:
        request_id.begin()
        try:
            ack = await self._slack_app.dispatch(
                envelope.payload, received_at=received_at, standstill=standstill, may_be_old=may_be_old
            )
            if ack.status != HTTPStatus.OK:
                return  # without an ack, Slack sends the event again
            frame = None if may_be_old else frames.ack_frame(envelope, ack.json())
            if await self._send(frame or frames.empty_ack_frame(envelope), received_at) and frame is not None:
                self._slack_app.ack_sent(ack)
            elif ack.message is not None:
                self._slack_app.deliver_lost_ack(envelope.payload, ack)
        finally:
            self._unanswered.discard(envelope.envelope_id)

    async def _send(self, frame: str, received_at: float) -> bool:
        """Send an ack over the newest connection, while Slack waits. Return whether it was sent.

        Slack closes the oldest connection first, and with it loses an ack that it has not read.
        """
        try:
            async with asyncio.timeout(received_at + ACK_TIMEOUT - time.monotonic()):
                while True:
                    await self._is_open.wait()
                    if not self.connections:  # the bot is being stopped
                        return False
                    best = min(reversed(self.connections), key=lambda one: one.closing.is_set())
                    try:
                        await best.send(frame)
                    except ConnectionError:
                        self.discard(best)
                    else:
                        return True
        except TimeoutError:
            _log.warning("no connection to Slack; ack not sent in time")
            return False
