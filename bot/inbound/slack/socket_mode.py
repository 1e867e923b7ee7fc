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
from functools import partial
from http import HTTPStatus
from typing import assert_never

from bot.concurrency import Tasks
from bot.health import Readiness
from bot.inbound.rejections import Rejected, RejectionLog
from bot.inbound.slack import socket_frames as frames
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.socket_connection import SocketConnection, retry_delay
from bot.outbound.slack.client import AppTokenRefusedError, SocketModeOffError
from bot.outbound.slack.errors import SlackUnreachableError
from bot.standstill import StandstillMonitor

Connect = Callable[[], Awaitable[SocketConnection]]  # raises the errors of `SocketConnector.connect`

_log = logging.getLogger(__name__)

_ACK_TIMEOUT = 3.0  # seconds that Slack waits
_STABLE_AFTER = 10.0  # seconds; a connection that lasted longer resets the retry delay
_HOW_TO_ENABLE = (
    "Socket Mode is switched off in the Slack app's settings. Switch it on there (Settings > Socket Mode) and restart "
    "the bot; or unset SLACK_APP_TOKEN, set SLACK_SIGNING_SECRET, and restart it to be served over HTTP."
)


class SocketMode:
    """Client that keeps a connection open and dispatches its envelopes. `acks` has a task per unanswered envelope.

    Slack delivers over any connection, and accepts an ack over any. So the next connection opens before the old one
    closes, and an envelope of the old one can be acknowledged over the new one.
    """

    def __init__(self, connect: Connect, slack_app: SlackApp, readiness: Readiness, acks: Tasks) -> None:
        self._open_connection = connect
        self._slack_app = slack_app
        self._readiness = readiness
        self._acks = acks
        self._rejections = RejectionLog(time.monotonic)
        self._tasks = Tasks()
        self._standstills = StandstillMonitor()
        self._unanswered: set[str] = set()
        self._open: list[SocketConnection] = []
        self._is_open = asyncio.Event()
        self._has_connected = self._is_disabled = False
        self._attempt = 0
        readiness.block("socket", "No connection to Slack (Socket Mode) is open yet.")

    async def start(self) -> None:
        """Open the first connection, and keep one open from then on. Raises AppTokenRefusedError."""
        self._tasks.start(self._standstills.run())
        connection = await self._connect()
        self._tasks.start(self._supervise(connection))

    async def close(self) -> None:
        """Close every connection, and open no more."""
        await self._tasks.cancel()
        for connection in self._open:  # a task that was cancelled before it began has closed nothing
            await connection.close()

    async def _supervise(self, connection: SocketConnection | None) -> None:
        while connection is not None:
            opened_at = time.monotonic()
            await connection.closing.wait()
            self._attempt = 1 if time.monotonic() - opened_at > _STABLE_AFTER else self._attempt + 1
            connection = None if self._is_disabled else await self._connect()

    async def _connect(self) -> SocketConnection | None:
        """Open a connection; return None if Socket Mode is disabled.

        Raises AppTokenRefusedError if there was no connection before.
        """
        delay = self._retry_delay()
        while True:
            await asyncio.sleep(delay)
            try:
                return self._register(await self._open_connection())
            except SocketModeOffError:
                self._disable()
                return None
            except AppTokenRefusedError as error:
                if not self._has_connected:
                    raise
                delay = self._schedule_retry(f"SLACK_APP_TOKEN is refused: {error}")
            except SlackUnreachableError as error:
                delay = max(self._schedule_retry(str(error)), error.after or 0.0)

    def _retry_delay(self) -> float:
        return retry_delay(self._attempt, random.random())  # noqa: S311 - no secret

    def _schedule_retry(self, why: str) -> float:
        """Report a failed attempt, and return the seconds until the next one."""
        self._attempt += 1
        delay = self._retry_delay()
        _log.warning("connection to Slack failed", extra={"why": why, "next_attempt_in": round(delay, 1)})
        if not self._open:
            self._readiness.block("socket", f"No connection to Slack (Socket Mode) is open ({why}); trying again.")
        return delay

    def _register(self, connection: SocketConnection) -> SocketConnection:
        self._open.append(connection)
        self._is_open.set()
        self._has_connected = True
        self._readiness.clear("socket")
        _log.info("connected to Slack")
        self._tasks.start(self._read(connection))
        return connection

    async def _read(self, connection: SocketConnection) -> None:
        try:
            async for text in connection.frames():
                self._handle_frame(connection, text, time.monotonic())
        finally:
            self._discard(connection)
            await connection.close()

    def _handle_frame(self, connection: SocketConnection, text: str, received_at: float) -> None:
        match frame := frames.read_frame(text):
            case frames.Envelope():
                if frame.envelope_id not in self._unanswered:  # Slack sends it again after a reconnect
                    self._acks.start(self._answer(frame, received_at))
            case frames.BadEnvelope():
                self._rejections.record(frame.rejected)
                self._acks.start(self._send(frame.ack, received_at))
            case frames.Disconnect():
                _log.info("Slack closes the connection", extra={"why": frame.reason})
                connection.closing.set()  # the supervisor opens another one
                if frame.is_immediate:
                    self._discard(connection)
            case frames.LinkDisabled():
                self._disable()
                self._discard(connection)
            case Rejected():
                self._rejections.record(frame)
            case frames.Hello():
                pass
            case _:
                assert_never(frame)

    def _discard(self, connection: SocketConnection) -> None:
        """Send no more over the connection."""
        connection.closing.set()
        if connection not in self._open:
            return
        self._open.remove(connection)
        if not self._open:
            self._is_open.clear()
            if not self._is_disabled:
                self._readiness.block("socket", "The connection to Slack (Socket Mode) ended; opening another.")

    def _disable(self) -> None:
        self._is_disabled = True
        self._readiness.block("socket", _HOW_TO_ENABLE)
        _log.error("Socket Mode is switched off", extra={"what_to_do": _HOW_TO_ENABLE})

    async def _answer(self, envelope: frames.Envelope, received_at: float) -> None:
        self._unanswered.add(envelope.envelope_id)
        standstill = self._standstills.seconds_before(received_at)
        try:
            ack = await self._slack_app.dispatch(envelope.payload, received_at=received_at, standstill=standstill)
            if ack.status != HTTPStatus.OK:
                return  # without an ack, Slack sends the event again
            deliver = partial(self._slack_app.deliver_lost_ack, envelope.payload, ack.message) if ack.message else None
            await self._send(frames.ack_frame(envelope, ack.json()), received_at, deliver)
        finally:
            self._unanswered.discard(envelope.envelope_id)

    async def _send(self, frame: str, received_at: float, on_lost: Callable[[], None] | None = None) -> None:
        """Send an ack over the newest connection, while Slack waits. Call `on_lost` if that fails.

        Slack closes the oldest connection first, and with it loses an ack that it has not read.
        """
        try:
            async with asyncio.timeout(received_at + _ACK_TIMEOUT - time.monotonic()):
                while True:
                    await self._is_open.wait()
                    best = min(reversed(self._open), key=lambda one: one.closing.is_set())
                    try:
                        await best.send(frame)
                    except ConnectionError:
                        self._discard(best)
                    else:
                        return
        except TimeoutError:
            _log.warning("no connection to Slack; ack not sent in time")
            if on_lost is not None:
                on_lost()
