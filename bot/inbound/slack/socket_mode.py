"""Socket Mode: receive Slack's envelopes over websockets that the bot opens, so that it needs no public URL.

slack_sdk 3.48's client does not fit: it polls for frames, ignores Slack's reason for a disconnect, closes the old
connection before it opens the new one, and logs envelopes.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import assert_never

from bot.concurrency import Tasks, happens
from bot.health import Readiness
from bot.inbound.rejections import Rejected, RejectionLog
from bot.inbound.slack import socket_frames as frames
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.redelivery import Redeliveries
from bot.inbound.slack.socket_acks import ACK_TIMEOUT, SocketAcks
from bot.inbound.slack.socket_connection import SocketConnection, retry_delay
from bot.outbound.slack.client import AppTokenRefusedError, SocketModeOffError
from bot.outbound.slack.errors import SlackUnreachableError
from bot.standstill import StandstillMonitor

Connect = Callable[[], Awaitable[SocketConnection]]  # raises the errors of `SocketConnector.connect`

_log = logging.getLogger(__name__)

_STABLE_AFTER = 10.0  # seconds; a connection that lasted longer resets the retry delay
_OFF_RETRY_DELAY = 30.0  # seconds
_OFF = (
    "Slack says that Socket Mode is switched off in the app's settings. Switch it on there (Settings > Socket Mode): "
    "the bot tries again every 30 seconds. Or unset SLACK_APP_TOKEN, set SLACK_SIGNING_SECRET, and restart the bot to "
    "be served over HTTP."
)


class SocketMode:
    """Client that keeps a connection open and dispatches its envelopes. `acks` has a task per unanswered envelope.

    The next connection opens before the old one closes. If Slack says that Socket Mode is off, the bot connects
    nevertheless, as Slack's own SDKs do: Slack can be wrong, and Socket Mode can be switched on later.
    """

    def __init__(
        self, connect: Connect, slack_app: SlackApp, readiness: Readiness, acks: Tasks, redeliveries: Redeliveries
    ) -> None:
        self._open_connection = connect
        self._readiness = readiness
        self._acks = SocketAcks(slack_app, acks, self._report_last_lost)
        self._redeliveries = redeliveries
        self._rejections = RejectionLog(time.monotonic)
        self._tasks = Tasks()
        self._standstills = StandstillMonitor()
        self._has_connected = self._slack_asked = self._is_off = False
        self._trusts_doubts = True  # until an envelope comes in spite of them
        self._attempt = self._reconnects = 0  # failures, and what Slack asked for: neither delays the other
        self._not_before = 0.0
        readiness.block("socket", "No connection to Slack (Socket Mode) is open yet.")

    async def start(self) -> None:
        """Open the first connection, and keep one open from then on. Raises AppTokenRefusedError."""
        self._tasks.start(self._standstills.run())
        connection = await self._connect()
        self._tasks.start(self._supervise(connection))

    async def close(self) -> None:
        """Close every connection, and open no more."""
        await self._tasks.cancel()
        for connection in self._acks.connections:  # a task that was cancelled before it began has closed nothing
            await connection.close()
        self._acks.end()

    async def _supervise(self, connection: SocketConnection) -> None:
        while True:
            opened_at = time.monotonic()
            if connection.is_doubted:
                await happens(connection.closing, within=_OFF_RETRY_DELAY)
            if connection.is_doubted:  # still: no envelope came
                connection.closing.set()
            await connection.closing.wait()
            is_stable = time.monotonic() - opened_at > _STABLE_AFTER
            if self._slack_asked:
                self._reconnects = 1 if is_stable else self._reconnects + 1
            else:
                self._attempt = 1 if is_stable else self._attempt + 1
            old, connection = connection, await self._connect()
            self._tasks.start(self._retire(old))

    async def _retire(self, old: SocketConnection) -> None:
        """Close a connection that has a successor, once no envelope of it can need it for an ack."""
        await asyncio.sleep(ACK_TIMEOUT)
        self._acks.discard(old)
        await old.close()

    async def _connect(self) -> SocketConnection:
        """Open a connection. Raises AppTokenRefusedError if there was none before."""
        delay = self._retry_delay()
        while True:
            await asyncio.sleep(max(delay, self._not_before - time.monotonic()))
            try:
                return self._register(await self._open_connection())
            except SocketModeOffError:
                self._report_link_disabled()
            except AppTokenRefusedError as error:
                if not self._has_connected:
                    raise
                delay = self._schedule_retry(f"SLACK_APP_TOKEN is refused: {error}")
            except SlackUnreachableError as error:
                delay = max(self._schedule_retry(str(error)), error.after or 0.0)

    def _retry_delay(self) -> float:
        attempt = max(self._attempt, self._reconnects) if self._slack_asked else self._attempt
        return retry_delay(attempt, random.random(), asked=self._slack_asked)  # noqa: S311 - no secret

    def _schedule_retry(self, why: str) -> float:
        """Report a failed attempt, and return the seconds until the next one."""
        self._attempt += 1
        delay = self._retry_delay()
        _log.warning("connection to Slack failed", extra={"why": why, "next_attempt_in": round(delay, 1)})
        if not self._acks.connections:
            self._readiness.block("socket", f"No connection to Slack (Socket Mode) is open ({why}); trying again.")
        return delay

    def _register(self, connection: SocketConnection) -> SocketConnection:
        self._redeliveries.begin()
        self._has_connected, self._slack_asked = True, False
        connection.is_doubted &= self._trusts_doubts
        _log.info("connected to Slack")
        if connection.is_doubted:
            self._report_off()
        else:
            self._report_on()
        self._acks.add(connection)
        self._tasks.start(self._read(connection))
        return connection

    async def _read(self, connection: SocketConnection) -> None:
        try:
            async for text in connection.frames():
                self._handle_frame(connection, text, time.monotonic())
        finally:
            self._acks.discard(connection)
            await connection.close()

    def _handle_frame(self, connection: SocketConnection, text: str, received_at: float) -> None:
        match frame := frames.read_frame(text):
            case frames.Envelope() | frames.BadEnvelope():
                self._handle_envelope(connection, frame, received_at)
            case frames.Disconnect():
                _log.info("Slack closes the connection", extra={"why": frame.reason})
                self._slack_asked = True
                connection.closing.set()  # the supervisor opens another one
                if frame.is_immediate:
                    self._acks.discard(connection)
            case frames.LinkDisabled():
                self._report_link_disabled()
                self._acks.discard(connection)
            case Rejected():
                self._rejections.record(frame)
            case frames.Hello():
                pass
            case _:
                assert_never(frame)

    def _handle_envelope(
        self, connection: SocketConnection, frame: frames.Envelope | frames.BadEnvelope, received_at: float
    ) -> None:
        if connection.is_doubted:
            connection.is_doubted = self._trusts_doubts = False
            self._report_on()
        if isinstance(frame, frames.Envelope):
            standstill = self._standstills.seconds_before(received_at)
            may_be_old = self._redeliveries.includes(frame, received_at)
            self._acks.answer(frame, received_at, standstill, may_be_old=may_be_old)
        else:
            self._rejections.record(frame.rejected)
            self._acks.send(frame.ack, received_at)

    def _report_on(self) -> None:
        self._is_off = False
        self._readiness.clear("socket")

    def _report_off(self) -> None:
        self._readiness.block("socket", _OFF)
        if not self._is_off:
            _log.error("Socket Mode is switched off", extra={"what_to_do": _OFF})
        self._is_off = True

    def _report_link_disabled(self) -> None:
        self._trusts_doubts = True
        self._not_before = time.monotonic() + _OFF_RETRY_DELAY
        self._report_off()

    def _report_last_lost(self) -> None:
        if not self._is_off:
            self._readiness.block("socket", "The connection to Slack (Socket Mode) ended; opening another.")
