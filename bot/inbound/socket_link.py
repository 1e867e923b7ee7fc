"""One websocket to Slack: opened, greeted, read, written, closed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from bot.core.secret import Secret
from bot.inbound.frames import Hello, Leave, SwitchedOff, read_frame
from bot.outbound.slack import AppTokenRefusedError, SlackClient, SocketModeOffError
from bot.outbound.slack_web import SlackUnreachableError

HEARTBEAT = 10.0
"""Seconds of silence after which a ping goes out. With no word half as long after it, the connection counts as dead."""

_GREETED_WITHIN = 10.0
_CLOSED_WITHIN = 0.5


class Link:
    """A connection after its hello; `leaving` is set when Slack is about to close it, or has."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.leaving = asyncio.Event()
        self._socket = socket

    async def frames(self) -> AsyncIterator[str]:
        """The text frames that arrive, until either side closes or there is silence for too long."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                yield message.data

    async def send(self, frame: str) -> None:
        """Send a text frame. Raises ConnectionError where the connection has ended."""
        await self._socket.send_str(frame)

    async def close(self) -> None:
        """Close it politely, but soon."""
        await self._socket.close()


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens connections for the app of `app_token`; `heartbeat` is explained at HEARTBEAT."""

    session: aiohttp.ClientSession
    slack: SlackClient
    app_token: Secret
    heartbeat: float = HEARTBEAT

    async def dial(self) -> Link:
        """A new connection. Raises AppTokenRefusedError, SocketModeOffError or SlackUnreachableError."""
        try:
            url = await self.slack.open_connection(self.app_token)
            async with asyncio.timeout(_GREETED_WITHIN):
                return await self._greeted(url)
        except (AppTokenRefusedError, SocketModeOffError, SlackUnreachableError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, another attempt may do
            raise SlackUnreachableError(type(error).__name__) from None  # its text may have the URL

    async def _greeted(self, url: Secret) -> Link:
        patience = aiohttp.ClientWSTimeout(ws_close=_CLOSED_WITHIN)
        socket = await self.session.ws_connect(url.reveal(), heartbeat=self.heartbeat, timeout=patience)
        try:
            first = await socket.receive()
            _check_greeting(first.data if first.type is aiohttp.WSMsgType.TEXT else "")
        except BaseException:
            await socket.close()
            raise
        return Link(socket)


def _check_greeting(text: str) -> None:
    match read_frame(text):
        case Hello():
            return
        case SwitchedOff():
            raise SocketModeOffError
        case Leave(reason=reason):
            raise SlackUnreachableError(reason)
        case _:
            raise SlackUnreachableError("a connection without a hello")
