"""One Socket Mode connection, and its frames."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp

from bot.core.fields import Secret, parse_object
from bot.inbound.rejections import Rejected
from bot.inbound.slack.request import BadPayloadError, pick
from bot.messages.blocks import as_response
from bot.messages.results import UNREADABLE
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient, SocketModeOffError
from bot.outbound.slack.errors import SlackUnreachableError

HEARTBEAT = 10.0  # seconds of silence before a ping. The connection is dead if no frame follows within half that time.
HELLO, DISCONNECT, WARNING, LINK_DISABLED = "hello", "disconnect", "warning", "link_disabled"

_MOST_BYTES = 20_480  # Slack closes a connection that gets more
_REASONS = (WARNING, LINK_DISABLED, "refresh_requested", "too_many_websockets")
_KINDS = {"slash_commands": "command", "interactive": "interaction", "events_api": "event"}
_HELLO_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 0.5


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request of Slack. It has a valid `payload`, or was `rejected`; `takes_answer`: its ack can have a payload."""

    envelope_id: str
    takes_answer: bool
    kind: str
    payload: dict[str, object] = field(default_factory=dict)
    rejected: Rejected | None = None

    def ack(self, payload: Mapping[str, object] | None) -> str:
        """Return the frame that acknowledges it, with `payload` if Slack takes one, in as few bytes as possible.

        UTF-8 has no lone surrogates: they are escaped, as JSON does it.
        """
        answer = {} if payload is None or not self.takes_answer else {"payload": payload}
        frame = json.dumps({"envelope_id": self.envelope_id} | answer, ensure_ascii=False)
        return frame.encode(errors="backslashreplace").decode()

    def rejection_ack(self) -> str:
        """Return the ack of one that was rejected. People see nothing of a click's ack."""
        return self.ack(as_response(UNREADABLE) if self.kind == "command" else None)


@dataclass(frozen=True, slots=True)
class Control:
    """A frame about the connection: HELLO, or DISCONNECT with the reason. Slack closes it then, soon or at once."""

    type: str
    reason: str = ""


def fits(frame: str) -> bool:
    """Return whether Slack takes a frame of this length."""
    return len(frame.encode()) <= _MOST_BYTES


def read_frame(text: str) -> Control | Envelope | Rejected:
    """Parse a frame; return a rejection if it is unreadable. Never raises."""
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
        return Envelope(envelope_id, takes_answer, name, rejected=_reject(str(error)))


def _reject(why: str) -> Rejected:
    return Rejected(400, f"This is not a valid Slack request: {why}.")


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
            timeout = aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT)
            socket = await session.ws_connect(address.url.reveal(), heartbeat=heartbeat, timeout=timeout)
            try:
                _check_hello(await socket.receive())
            except BaseException:
                await socket.close()
                raise
            return SocketConnection(socket, is_doubted=address.is_doubted)
    except (AppTokenRefusedError, SocketModeOffError, SlackUnreachableError):
        raise
    except Exception as error:  # noqa: BLE001 - the next attempt can succeed
        raise SlackUnreachableError(type(error).__name__) from None  # its text can contain the URL


def _check_hello(first: aiohttp.WSMessage) -> None:
    frame = read_frame(first.data if first.type is aiohttp.WSMsgType.TEXT else "")
    if not isinstance(frame, Control):
        raise SlackUnreachableError("a connection without a hello")
    if frame.reason == LINK_DISABLED:
        raise SocketModeOffError
    if frame.type == DISCONNECT:
        raise SlackUnreachableError(frame.reason)
