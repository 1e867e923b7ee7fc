"""One Socket Mode connection: its frames, and requests that come twice."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.core.fields import Secret, parse_object
from bot.inbound.rejections import Rejected
from bot.inbound.slack.request import BadPayloadError, as_object, pick_command, pick_event, pick_interaction
from bot.messages.blocks import as_response
from bot.messages.results import UNREADABLE
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient, SocketModeOffError, SocketUrl
from bot.outbound.slack.errors import SlackUnreachableError

_MOST_BYTES = 20_480  # Slack closes a connection that gets more
_WARNING = "warning"  # Slack closes immediately after the other documented reasons
_REASONS = (_WARNING, "refresh_requested", "too_many_websockets")
_PICK: Mapping[str, Callable[[dict[str, Any]], dict[str, object]]] = {
    "slash_commands": pick_command,
    "interactive": pick_interaction,
    "events_api": pick_event,
}

REDELIVERY_WINDOW = 5.0
"""Seconds after a connection has opened in which Slack sends again what was not acknowledged over another one."""

HEARTBEAT = 10.0  # seconds of silence before a ping. The connection is dead if no frame follows within half that time.

_HELLO_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 0.5


@dataclass(frozen=True, slots=True)
class Hello:
    """The connection is open: envelopes can follow."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Slack closes this connection, immediately or soon: open another."""

    reason: str
    is_immediate: bool


@dataclass(frozen=True, slots=True)
class LinkDisabled:
    """Socket Mode is disabled in the app's settings: a new connection would probably get no envelopes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope with a validated payload."""

    envelope_id: str
    payload: dict[str, object]
    accepts_response_payload: bool


@dataclass(frozen=True, slots=True)
class BadEnvelope:
    """An envelope with an invalid payload; `ack` is the frame that acknowledges it."""

    rejected: Rejected
    ack: str


def read_frame(text: str) -> Hello | Disconnect | LinkDisabled | Envelope | BadEnvelope | Rejected:
    """Parse a frame; return a rejection if it is unreadable. Never raises."""
    frame = parse_object(text)
    if frame is None:
        return _reject("it is not a JSON object")
    match frame.get("type"), frame.get("reason"):
        case "hello", _:
            return Hello()
        case "disconnect", "link_disabled":
            return LinkDisabled()
        case "disconnect", reason:
            return Disconnect(str(reason) if reason in _REASONS else "not documented", is_immediate=reason != _WARNING)
        case _:
            return _read_envelope(frame)


def _read_envelope(frame: Mapping[str, object]) -> Envelope | BadEnvelope | Rejected:
    envelope_id = frame.get("envelope_id")
    if not isinstance(envelope_id, str):
        return _reject("envelope_id is missing")
    kind, accepts_payload = frame.get("type"), frame.get("accepts_response_payload") is True
    try:
        return Envelope(envelope_id, _read_payload(kind, frame.get("payload")), accepts_payload)
    except BadPayloadError as error:
        is_shown = kind == "slash_commands" and accepts_payload  # people see nothing of a click's ack
        response = as_response(UNREADABLE) if is_shown else None
        return BadEnvelope(_reject(str(error)), _write(envelope_id, response))


def _read_payload(kind: object, payload: object) -> dict[str, object]:
    pick = _PICK.get(str(kind))
    if pick is None:
        raise BadPayloadError("its type is unknown")
    return pick(as_object(payload))


def ack_frame(envelope: Envelope, payload: Mapping[str, object] | None) -> str | None:
    """Return the frame that acknowledges an envelope, with `payload` if Slack accepts one; None if it is too long."""
    frame = small_ack_frame(envelope, payload)
    return frame if len(frame.encode()) <= _MOST_BYTES else None


def small_ack_frame(envelope: Envelope, payload: Mapping[str, object] | None) -> str:
    """Return the frame that acknowledges an envelope, with a `payload` that fits if Slack accepts one."""
    return _write(envelope.envelope_id, payload if envelope.accepts_response_payload else None)


def _write(envelope_id: str, payload: object) -> str:
    """Return a frame in as few bytes as possible. UTF-8 has no lone surrogates: they are escaped, as JSON does it."""
    frame = {"envelope_id": envelope_id} | ({} if payload is None else {"payload": payload})
    return json.dumps(frame, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _reject(why: str) -> Rejected:
    return Rejected(400, f"This is not a valid Slack request: {why}.")


class Redeliveries:
    """Times in which a command, which has no time, may be old; `follows_crash`: the process before this was killed."""

    def __init__(self, follows_crash: Callable[[], bool], *, window: float = REDELIVERY_WINDOW) -> None:
        self._follows_crash = follows_crash
        self._window = window
        self._until = 0.0
        self._connections = 0

    def begin(self) -> None:
        """Record that a connection has opened. The one before can have lost something although it was still open."""
        self._until = time.monotonic() + self._window
        self._connections += 1

    def includes(self, envelope: Envelope, received_at: float) -> bool:
        """Return whether an envelope is a command that may be old."""
        if received_at >= self._until or "command" not in envelope.payload:
            return False
        return self._connections > 1 or self._follows_crash()


class SocketConnection:
    """A connection after its hello. Once `closing` is set, another replaces it. `is_doubted` as its SocketUrl."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, is_doubted: bool) -> None:
        self.closing = asyncio.Event()
        self.is_doubted = is_doubted
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
    """Open a connection. Raises AppTokenRefusedError, SocketModeOffError or SlackUnreachableError."""
    try:
        address = await slack.open_connection(app_token)
        async with asyncio.timeout(_HELLO_TIMEOUT):
            return await _wait_for_hello(session, address, heartbeat)
    except (AppTokenRefusedError, SocketModeOffError, SlackUnreachableError):
        raise
    except Exception as error:  # noqa: BLE001 - the next attempt can succeed
        raise SlackUnreachableError(type(error).__name__) from None  # its text can contain the URL


async def _wait_for_hello(session: aiohttp.ClientSession, address: SocketUrl, heartbeat: float) -> SocketConnection:
    timeout = aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT)
    socket = await session.ws_connect(address.url.reveal(), heartbeat=heartbeat, timeout=timeout)
    try:
        first = await socket.receive()
        _check_hello(first.data if first.type is aiohttp.WSMsgType.TEXT else "")
    except BaseException:
        await socket.close()
        raise
    return SocketConnection(socket, is_doubted=address.is_doubted)


def _check_hello(text: str) -> None:
    match read_frame(text):
        case Hello():
            return
        case LinkDisabled():
            raise SocketModeOffError
        case Disconnect(reason=reason):
            raise SlackUnreachableError(reason)
        case _:
            raise SlackUnreachableError("a connection without a hello")
