"""An app that lives on websockets, frame by frame."""

import asyncio
import json
from typing import Self

import aiohttp

from bot.sim.slack import SimSlack

Frame = dict[str, object]


class Link:
    """One connection, after its hello."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hello: Frame) -> None:
        self.socket = socket
        self.hello = hello

    async def receive(self) -> Frame:
        return read(await self.socket.receive_str(timeout=5))

    async def ack(self, envelope: Frame, **more: object) -> None:
        await self.say({"envelope_id": envelope["envelope_id"]} | more)

    async def say(self, frame: object) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def acknowledge_everything(self, **more: object) -> int:
        """Ack envelopes until the connection ends, and count them."""
        count = 0
        async for message in self.socket:
            await self.ack(read(message.data), **more)
            count += 1
        return count


class SocketApp:
    """Opens connections as an app does, and closes them at the end."""

    def __init__(self, slack: SimSlack, client: aiohttp.ClientSession) -> None:
        self._slack = slack
        self.client = client
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(socket.close() for socket in self._sockets))

    async def open(self, *, token: str | None = None, query: str = "", form: Frame | None = None) -> Frame:
        headers = {} if token == "" else {"Authorization": f"Bearer {token or self._slack.app_token}"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = f"{self._slack.url}apps.connections.open{query}"
        async with self.client.post(url, data=form, headers=headers) as response:
            answer = await response.json()
            assert isinstance(answer, dict)
            return answer

    async def socket(self, *, autoping: bool = True) -> aiohttp.ClientWebSocketResponse:
        return await self.follow(str((await self.open())["url"]), autoping=autoping)

    async def follow(self, url: str, *, autoping: bool = True) -> aiohttp.ClientWebSocketResponse:
        patience = aiohttp.ClientWSTimeout(ws_close=0.2)
        socket = await self.client.ws_connect(url, autoping=autoping, timeout=patience)
        self._sockets.append(socket)
        return socket

    async def connect(self) -> Link:
        socket = await self.socket()
        return Link(socket, read(await socket.receive_str(timeout=5)))


def read(text: object) -> Frame:
    frame = json.loads(str(text))
    assert isinstance(frame, dict)
    return frame


async def gone(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMsgType:
    """How the connection ended."""
    async with asyncio.timeout(5):
        return (await socket.receive()).type
