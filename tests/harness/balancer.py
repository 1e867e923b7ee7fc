"""A load balancer: it asks each replica whether it is ready, and sends each request to one of those at random."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.sim.local_server import LocalServer

_LOOK_INTERVAL = 0.1
_LOOK_TIMEOUT = 1.0
_OWN_HEADERS = ("Host", "Content-Length", "Accept", "Accept-Encoding", "User-Agent", "Transfer-Encoding", "Connection")


class Balancer:
    """Forwards to `replicas` (their URLs). A request goes to as many `copies` at once; Slack gets the first answer."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.replicas: set[str] = set()
        self.copies = 1
        self.failures: list[str] = []
        self.answers: list[Any] = []
        """The JSON of each answer that has one."""
        self._ready: set[str] = set()
        self._session = session
        self._server = LocalServer([web.post("/slack/events", self._forward)])

    @property
    def url(self) -> str:
        return f"{self._server.origin}/slack/events"

    async def is_ready(self, *urls: str) -> None:
        """Wait until requests go to these replicas."""
        async with asyncio.timeout(60):
            while not self._ready >= set(urls):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(_LOOK_INTERVAL)

    async def run(self) -> None:
        async with self._server:
            while True:
                await asyncio.gather(*map(self._look, self.replicas))
                self._ready &= self.replicas
                await asyncio.sleep(_LOOK_INTERVAL)

    async def _look(self, url: str) -> None:
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT), self._session.get(f"{url}/readyz") as answer:
                is_ready = answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            is_ready = False
        (self._ready.add if is_ready else self._ready.discard)(url)

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name not in _OWN_HEADERS}
        urls = random.sample(sorted(self._ready), self.copies)
        sending = [asyncio.ensure_future(self._send(url, body, headers)) for url in urls]
        done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> web.Response:
        try:
            async with self._session.post(f"{url}/slack/events", data=body, headers=headers) as answer:
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
                elif answer.content_type == "application/json":
                    self.answers.append(await answer.json())
                return web.Response(
                    status=answer.status, body=await answer.read(), headers={"Content-Type": answer.content_type}
                )
        except (aiohttp.ClientError, OSError) as error:
            self.failures.append(type(error).__name__)
            return web.Response(status=502)


@asynccontextmanager
async def balancer() -> AsyncIterator[Balancer]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        balanced = Balancer(session)
        running = asyncio.create_task(balanced.run())
        try:
            yield balanced
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
