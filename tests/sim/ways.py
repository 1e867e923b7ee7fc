"""An app that takes everything and answers what a test sets, by either way that Slack has to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from bot.sim.local_server import LocalServer
from bot.sim.slack import SimSlack
from sim.socket_app import SocketApp

Payload = dict[str, Any]


@dataclass
class Ways:
    """Acks with `body` as JSON, or with nothing, after `delay` seconds; `got` has what came."""

    body: object = None
    delay: float = 0.0
    got: list[Payload] = field(default_factory=list)

    def says(self, **body: object) -> None:
        self.body = body

    @property
    def last(self) -> Payload:
        return self.got[-1]

    async def serve(self, request: web.Request) -> web.Response:
        self.got.append(_read(request, await request.read()))
        await asyncio.sleep(self.delay)
        return web.Response() if self.body is None else web.json_response(self.body)

    async def listen(self, app: SocketApp) -> None:
        link = await app.connect()
        async for message in link.socket:
            envelope = json.loads(message.data)
            self.got.append(envelope["payload"])
            await asyncio.sleep(self.delay)
            accepted = envelope["accepts_response_payload"] and self.body is not None
            await link.ack(envelope, **({"payload": self.body} if accepted else {}))


def _read(request: web.Request, body: bytes) -> Payload:
    form = dict(parse_qsl(body.decode()))
    event = request.content_type == "application/json"
    read: Payload = json.loads(body) if event else json.loads(form["payload"]) if "payload" in form else form
    return read


@asynccontextmanager
async def over_http(slack: SimSlack) -> AsyncIterator[Ways]:
    ways = Ways()
    async with LocalServer([web.post("/slack/events", ways.serve)]) as server:
        slack.request_url = f"{server.origin}/slack/events"
        yield ways


@asynccontextmanager
async def over_a_socket(slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[Ways]:
    ways = Ways()
    slack.socket_mode = True
    async with SocketApp(slack, client) as app:
        listening = asyncio.create_task(ways.listen(app))
        await slack.until(lambda: slack.sockets.count)
        yield ways
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
