"""A websocket to Slack: connect, read, write, close."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from bot.core.fields import Secret
from bot.inbound.slack.socket_frames import Disconnect, Hello, LinkDisabled, read_frame
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient, SocketModeOffError, SocketUrl
from bot.outbound.slack.errors import SlackUnreachableError

HEARTBEAT = 10.0
"""Seconds of silence before a ping. The connection is dead if no frame follows within half that time."""

_HELLO_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 0.5
_MIN_RETRY_DELAY, _MAX_RETRY_DELAY, _MAX_RETRY_DELAY_IF_ASKED = 0.5, 30.0, 5.0


def retry_delay(attempt: int, jitter: float, *, asked: bool) -> float:
    """Return the seconds to wait before a connection attempt: 0 for the first two. `jitter` is in [0, 1).

    Attempts for which Slack has `asked` wait for at most 5 s.
    """
    if attempt <= 1:
        return 0.0
    longest = _MAX_RETRY_DELAY_IF_ASKED if asked else _MAX_RETRY_DELAY
    return float(min(_MIN_RETRY_DELAY * 2 ** min(attempt - 2, 10), longest)) * (0.5 + jitter / 2)


class SocketConnection:
    """A connection after its hello; `closing` is set when another one has to replace it.

    `is_doubted` is that of its SocketUrl, until an envelope comes.
    """

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


@dataclass(frozen=True, slots=True)
class SocketConnector:
    """Connector for the app of `app_token`; HEARTBEAT explains `heartbeat`."""

    session: aiohttp.ClientSession
    slack: SlackClient
    app_token: Secret
    heartbeat: float = HEARTBEAT

    async def connect(self) -> SocketConnection:
        """Open a connection. Raises AppTokenRefusedError, SocketModeOffError or SlackUnreachableError."""
        try:
            address = await self.slack.open_connection(self.app_token)
            async with asyncio.timeout(_HELLO_TIMEOUT):
                return await self._wait_for_hello(address)
        except (AppTokenRefusedError, SocketModeOffError, SlackUnreachableError):
            raise
        except Exception as error:  # noqa: BLE001 - the next attempt can succeed
            raise SlackUnreachableError(type(error).__name__) from None  # its text can contain the URL

    async def _wait_for_hello(self, address: SocketUrl) -> SocketConnection:
        timeout = aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT)
        socket = await self.session.ws_connect(address.url.reveal(), heartbeat=self.heartbeat, timeout=timeout)
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
