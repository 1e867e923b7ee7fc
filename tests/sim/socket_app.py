"""An app on websockets, frame by frame."""

import asyncio
import json
from typing import Self

import aiohttp

from bot.sim.slack import SimSlack
from harness.samples import Json


class Connection:
    """One connection, after its hello."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def receive(self) -> Json:
        async with asyncio.timeout(20):  # the socket's own time limit begins again at every ping
            frame: Json = json.loads(await self.socket.receive_str())
        return frame

    async def ack(self, envelope: Json, **more: object) -> None:
        await self.send({"envelope_id": envelope["envelope_id"]} | more)

    async def send(self, frame: object) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def end(self) -> aiohttp.WSMsgType:
        """How the connection ended."""
        return (await self.socket.receive(timeout=20)).type


class SocketApp:
    """Opens connections as an app does, and closes them at the end."""

    def __init__(self, slack: SimSlack, client: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._client = client
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(socket.close() for socket in self._sockets))

    async def open(self, *, token: str | None = None, form: Json | None = None) -> Json:
        """Ask where to connect; an empty `token` is none."""
        headers = {} if token == "" else {"Authorization": f"Bearer {token or self._slack.app_token}"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = f"{self._slack.url}apps.connections.open"
        async with self._client.post(url, data=form, headers=headers) as response:
            answer: Json = await response.json()
            return answer

    async def follow(self, url: str) -> Connection:
        socket = await self._client.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=0.2))
        self._sockets.append(socket)
        hello = json.loads(await socket.receive_str(timeout=20))
        assert hello["type"] == "hello"
        return Connection(socket)

    async def connect(self) -> Connection:
        return await self.follow((await self.open())["url"])
