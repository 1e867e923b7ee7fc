"""Socket Mode: connections and their frames, and the acknowledgements of requests."""

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from bot.core.fields import Secret, parse_object
from bot.core.retries import backoff
from bot.inbound.http import Rejected, RejectionLog
from bot.inbound.slack.app import SlackApp
from bot.inbound.slack.request import BadPayloadError, pick
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient
from bot.outbound.slack.web_api import SlackUnreachableError
from bot.runtime import Readiness, StandstillMonitor, Tasks, begin_request

_log = logging.getLogger(__name__)

HEARTBEAT = 10.0  # seconds of silence before a ping. The connection is dead if no frame follows within half that time.
HELLO, DISCONNECT, WARNING, LINK_DISABLED = "hello", "disconnect", "warning", "link_disabled"

_MOST_BYTES = 20_480  # Slack closes a connection that gets more
_REASONS = (WARNING, LINK_DISABLED, "refresh_requested", "too_many_websockets")
_KINDS = {"slash_commands": "command", "interactive": "interaction", "events_api": "event"}
_HELLO_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 0.5

ACK_TIMEOUT = 3.0  # seconds that Slack waits for an ack
MOST_UNANSWERED = 30_000
REDELIVERY_WINDOW = 5.0
"""Seconds after a connection has opened in which Slack sends again what was not acknowledged over another one."""

TICK = 2 / 3  # seconds between two looks for a standstill: every third one is at the time of other looks
_STABLE_AFTER = 10.0  # seconds; a connection that lasted longer resets the retry delay
_MIN_RETRY_DELAY, _MAX_RETRY_DELAY = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request of Slack; `takes_answer`: its ack can have a payload."""

    envelope_id: str
    takes_answer: bool
    kind: str
    payload: dict[str, object]

    def ack(self, payload: Mapping[str, object] | None) -> str:
        """Return the frame that acknowledges it, with `payload` if Slack takes one, in as few bytes as possible.

        UTF-8 has no lone surrogates: they are escaped, as JSON does it.
        """
        answer = {} if payload is None or not self.takes_answer else {"payload": payload}
        frame = json.dumps({"envelope_id": self.envelope_id} | answer, ensure_ascii=False)
        return frame.encode(errors="backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Control:
    """A frame about the connection: HELLO, or DISCONNECT with the reason. Slack closes it then, soon or at once."""

    type: str
    reason: str = ""


def fits(frame: str) -> bool:
    """Return whether Slack takes a frame of this length."""
    return len(frame.encode()) <= _MOST_BYTES


def read_frame(text: str) -> Control | Envelope | Rejected:
    """Parse a frame; return a rejection if it is unreadable. Never raises.

    Slack gets no ack of a request that was rejected: it shows an error at a command or click, and sends it again later.
    """
    frame = parse_object(text)
    if frame is None:
        return _reject("it is not a JSON object")
    kind, reason, envelope_id = frame.get("type"), frame.get("reason"), frame.get("envelope_id")
    if kind in (HELLO, DISCONNECT):
        return Control(kind, reason if reason in _REASONS else "not documented")
    if not isinstance(envelope_id, str):
        return _reject("envelope_id is missing")
    name, takes_answer = _KINDS.get(str(kind), ""), frame.get("accepts_response_payload") is True
    try:
        return Envelope(envelope_id, takes_answer, name, pick(name, frame.get("payload")))
    except BadPayloadError as error:
        return _reject(str(error))


def _reject(why: str) -> Rejected:
    return Rejected(400, f"This is not a valid Slack request: {why}.")


class SocketConnection:
    """A connection after its hello. Once `closing` is set, another replaces it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.closing = asyncio.Event()
        self._socket = socket

    async def frames(self) -> AsyncIterator[str]:
        """Yield the text frames until either side closes or the heartbeat fails."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                yield message.data

    async def send(self, frame: str) -> None:
        """Send a text frame. Raises ConnectionError if the connection has ended."""
        await self._socket.send_str(frame)

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()


async def connect(
    session: aiohttp.ClientSession, slack: SlackClient, app_token: Secret, heartbeat: float = HEARTBEAT
) -> SocketConnection:
    """Open a connection. Raises AppTokenRefusedError, also if Socket Mode is off, or SlackUnreachableError."""
    try:
        url = await slack.open_connection(app_token)
        async with asyncio.timeout(_HELLO_TIMEOUT):
            timeout = aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT)
            socket = await session.ws_connect(url.reveal(), heartbeat=heartbeat, timeout=timeout)
            try:
                _check_hello(await socket.receive())
            except BaseException:
                await socket.close()
                raise
            return SocketConnection(socket)
    except (AppTokenRefusedError, SlackUnreachableError):
        raise
    except Exception as error:  # noqa: BLE001 - the next attempt can succeed
        raise SlackUnreachableError(type(error).__name__) from None  # its text can contain the URL


def _check_hello(first: aiohttp.WSMessage) -> None:
    frame = read_frame(first.data if first.type is aiohttp.WSMsgType.TEXT else "")
    if not isinstance(frame, Control):
        raise SlackUnreachableError("a connection without a hello")
    if frame.reason == LINK_DISABLED:
        raise AppTokenRefusedError(LINK_DISABLED)
    if frame.type == DISCONNECT:
        raise SlackUnreachableError(frame.reason)


class SocketAcks:
    """The open connections, and a task for each envelope without an ack. `on_last_lost`: no connection is left."""

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
        if connection in self.connections:
            self.connections.remove(connection)
            if not self.connections:
                self._is_open.clear()
                self._on_last_lost()

    def end(self) -> None:
        """Let no connection follow: an ack that was not sent by now is lost."""
        self.connections.clear()
        self._is_open.set()

    def answer(self, envelope: Envelope, received_at: float, *, may_be_old: bool = False) -> None:
        """Start to answer an envelope, unless that has begun, or too many are unanswered: Slack sends it again."""
        if envelope.envelope_id in self._unanswered or len(self._tasks) >= MOST_UNANSWERED:
            return
        self._unanswered.add(envelope.envelope_id)
        self._tasks.start(self._answer(envelope, received_at, may_be_old=may_be_old))

    async def _answer(self, envelope: Envelope, received_at: float, *, may_be_old: bool) -> None:
        begin_request()
        try:
            ack = await self._slack_app.dispatch(envelope.payload, received_at=received_at, may_be_old=may_be_old)
            if ack.status != HTTPStatus.OK:
                return  # without an ack, Slack sends the event again
            frame = envelope.ack(ack.json())
            is_whole = fits(frame)
            if await self._send(frame if is_whole else envelope.ack(None), received_at) and is_whole:
                self._slack_app.ack_sent(ack)
            else:
                self._slack_app.deliver_lost_ack(envelope.payload, ack)
        finally:
            self._unanswered.discard(envelope.envelope_id)

    async def _send(self, frame: str, received_at: float) -> bool:
        """Send over the newest connection, while Slack waits: it closes the oldest first, with unread acks."""
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


Connect = Callable[[], Awaitable[SocketConnection]]  # raises the errors of `connect`


@dataclass(eq=False, repr=False)
class SocketMode:
    """Client that keeps a connection open and dispatches its envelopes. `tasks` has one for each unanswered envelope.

    The next connection opens before the old one closes. A command has no time, so it may be old if it comes soon after
    a connection has opened: there can have been one before, also in a process that was killed.
    """

    connect: Connect
    slack_app: SlackApp
    readiness: Readiness
    tasks: Tasks
    redelivery_window: float = REDELIVERY_WINDOW
    tick: float = TICK

    def __post_init__(self) -> None:
        self._acks = SocketAcks(self.slack_app, self.tasks, self._report_last_lost)
        self._rejections = RejectionLog()
        self._tasks = Tasks()
        self._standstills = StandstillMonitor(self.tick)
        self._opened_at: float | None = None  # the last connection
        self._attempt = 0
        self.readiness.block("socket", "No connection to Slack (Socket Mode) is open yet.")

    async def start(self) -> None:
        """Open the first connection, and keep one open from then on. Raises AppTokenRefusedError."""
        self._tasks.start(self._standstills.run())
        self._tasks.start(self._supervise(await self._connect()))

    async def close(self) -> None:
        """Close every connection, and open no more."""
        await self._tasks.cancel()
        for connection in self._acks.connections:  # a task that was cancelled before it began has closed nothing
            await connection.close()
        self._acks.end()

    async def _supervise(self, connection: SocketConnection) -> None:
        while True:
            opened_at = time.monotonic()
            await connection.closing.wait()
            self._attempt = 1 if time.monotonic() - opened_at > _STABLE_AFTER else self._attempt + 1
            old, connection = connection, await self._connect()
            self._tasks.start(self._retire(old))

    async def _retire(self, old: SocketConnection) -> None:
        """Close a connection that has a successor, once no envelope of it can need it for an ack."""
        await asyncio.sleep(ACK_TIMEOUT)
        await old.close()

    async def _connect(self) -> SocketConnection:
        """Open a connection. Raises AppTokenRefusedError if there was none before."""
        delay = retry_delay(self._attempt, random.random())  # noqa: S311 - no secret
        while True:
            await asyncio.sleep(delay)
            try:
                return self._register(await self.connect())
            except AppTokenRefusedError as error:
                if self._opened_at is None:
                    raise
                delay = self._schedule_retry(f"SLACK_APP_TOKEN is refused: {error}")
            except SlackUnreachableError as error:
                delay = max(self._schedule_retry(str(error)), error.after or 0.0)

    def _schedule_retry(self, why: str) -> float:
        self._attempt += 1
        delay = retry_delay(self._attempt, random.random())  # noqa: S311 - no secret
        _log.warning("connection to Slack failed", extra={"why": why, "next_attempt_in": round(delay, 1)})
        if not self._acks.connections:
            self.readiness.block("socket", f"No connection to Slack (Socket Mode) is open ({why}); trying again.")
        return delay

    def _register(self, connection: SocketConnection) -> SocketConnection:
        self._opened_at = time.monotonic()
        _log.info("connected to Slack")
        self.readiness.clear("socket")
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
        match read_frame(text):
            case Envelope() as envelope:
                is_soon = self._opened_at is not None and received_at < self._opened_at + self.redelivery_window
                may_be_old = is_soon and envelope.kind == "command"
                self._acks.answer(envelope, self._standstills.earliest(received_at), may_be_old=may_be_old)
            case Control(type=kind, reason=reason) if kind == DISCONNECT:
                _log.info("Slack closes the connection", extra={"why": reason})
                connection.closing.set()  # the supervisor opens another one
                if reason != WARNING:
                    self._acks.discard(connection)
            case Rejected() as rejected:
                self._rejections.record(rejected)

    def _report_last_lost(self) -> None:
        self.readiness.block("socket", "The connection to Slack (Socket Mode) ended; opening another.")


def retry_delay(attempt: int, jitter: float) -> float:
    """Return the seconds to wait before an attempt, 0 for the first two. `jitter` is in [0, 1)."""
    if attempt <= 1:
        return 0.0
    return backoff(attempt - 1, first=_MIN_RETRY_DELAY, longest=_MAX_RETRY_DELAY) * (0.5 + jitter / 2)
