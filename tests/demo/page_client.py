"""The demo, and its page without a browser: it gives orders over the websocket, and keeps the latest views."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.demo.runner import DemoRunner
from bot.sim.change_event import ChangeEvent
from harness.bots import PATIENT

Json = dict[str, Any]


class PageClient:
    """What a browser that has the page open knows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.slack: Json = {}
        self.demo: Json = {}
        self.run = 0
        self._socket = socket
        self._problems: dict[int, str] = {}
        self._change_event = ChangeEvent()

    async def order(self, kind: str, **details: object) -> str:
        """Give an order, and return what went wrong, or nothing."""
        number = len(self._problems) + 1
        self._problems[number] = "no answer"
        await self._socket.send_json({"id": number, "do": kind, **details})
        await self.until(lambda: self._problems[number] != "no answer")
        return self._problems[number]

    async def send(self, frame: str) -> None:
        await self._socket.send_str(frame)

    async def until(self, condition: Callable[[], object], *, within: float = 20.0) -> None:
        await self._change_event.wait_for(condition, within)

    async def read(self) -> None:
        """Receive frames until the page is closed."""
        async for frame in self._socket:
            said = frame.json()
            self.slack = said.get("slack", self.slack)
            self.demo = said.get("demo", self.demo)
            self.run = said.get("run", self.run)
            if "done" in said:
                self._problems[said["done"]] = said["problem"]
            self._change_event.notify()


@asynccontextmanager
async def open_page(url: str, person: str = "") -> AsyncIterator[PageClient]:
    """Open the page at `url` as somebody, and wait until it shows something."""
    origin = url.rstrip("/")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{origin}/socket?as={person}", headers={"Origin": origin}) as socket,
    ):
        client = PageClient(socket)
        reading = asyncio.create_task(client.read())
        await client.until(lambda: client.slack and client.demo)
        yield client
        await socket.close()
        await reading


@asynccontextmanager
async def strict_runner() -> AsyncIterator[DemoRunner]:
    """Run the demo, with a patient Slack. Nobody may have broken a rule of Slack's or Anchor's since its last reset."""
    async with DemoRunner() as runner:
        runner.demo.sandbox.slack.timing.ack_deadline = PATIENT
        yield runner
    assert runner.demo.sandbox.slack.violations == []
    assert runner.demo.sandbox.anchor.violations == []
