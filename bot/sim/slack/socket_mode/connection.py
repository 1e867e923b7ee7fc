"""One websocket of the app, seen from Slack."""

import asyncio
import contextlib
import json
from collections.abc import Mapping

from aiohttp import web

from bot.sim.fault_injection import reset
from bot.sim.local_server import black_hole
from bot.sim.slack.timing import Timing

HOST = "applink-7fc4fdbb64-4x5xq"


class Connection:
    """Sends frames. Whatever gets lost on the way is lost in silence, as Slack does not wait for it either."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport, timing: Timing) -> None:
        self._socket = socket
        self._transport = transport
        self._timing = timing
        self.is_black_hole = False
        self.is_dropped = False

    async def send(self, frame: Mapping[str, object] | str) -> None:
        """Send a text frame, JSON unless it is a text already."""
        await self._timing.travel_to_app()
        if not self.is_black_hole:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def keep_pinging(self, interval: float) -> None:
        """Send a ping every `interval` seconds, as Slack does; whether there is a pong does not matter."""
        while True:
            await asyncio.sleep(interval)
            if not self.is_black_hole:
                with contextlib.suppress(ConnectionError):
                    await self._socket.ping(f"Ping from {HOST}".encode())

    async def close(self) -> None:
        """Send a close frame, and wait a while for the app's."""
        await self._socket.close()

    def black_hole(self) -> None:
        """Become a black hole: bytes are still accepted, but nothing is read, answered or sent any more."""
        self.is_black_hole = True
        black_hole(self._transport)

    def drop(self) -> None:
        """Reset the connection (TCP RST); what the app has sent and Slack has not read yet is lost."""
        self.is_dropped = True
        reset(self._transport)
