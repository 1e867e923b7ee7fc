"""An app that shows views to people."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from bot.sim.local_server import LocalServer
from bot.sim.slack import SimSlack, User
from harness.blocks import Block

Json = dict[str, Any]


@dataclass
class SampleApp:
    """`opens` are the modals that buttons open, by action_id."""

    slack: SimSlack
    session: aiohttp.ClientSession
    opens: dict[str, Block] = field(default_factory=dict)
    received: list[Json] = field(default_factory=list)

    async def publish(self, user: User, *blocks: Block) -> None:
        await self.call("views.publish", user_id=user.id, view={"type": "home", "blocks": blocks})

    async def update(self, view: Block) -> None:
        """Update the modal that Alice sees."""
        modal = self.slack.modal_of(self.slack.alice)
        assert modal
        await self.call("views.update", view_id=modal.id, view=view)

    async def call(self, method: str, **arguments: object) -> None:
        headers = {"Authorization": f"Bearer {self.slack.bot_token}"}
        async with self.session.post(f"{self.slack.url}{method}", json=arguments, headers=headers) as answer:
            said: Json = await answer.json()
        assert said["ok"], said

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.text()
        payload = json.loads(body if request.content_type == "application/json" else parse_qs(body)["payload"][0])
        self.received.append(payload)
        for action in payload.get("actions", ()):
            if view := self.opens.get(action["action_id"]):
                method = "views.push" if self.slack.modal_of(self.slack.alice) else "views.open"
                await self.call(method, trigger_id=payload["trigger_id"], view=view)
        return web.Response()


@asynccontextmanager
async def sample_app(slack: SimSlack) -> AsyncIterator[SampleApp]:
    """Run it in place of the bot."""
    async with aiohttp.ClientSession() as session:
        app = SampleApp(slack, session)
        former = slack.request_url
        async with LocalServer([web.post("/", app.serve)]) as server:
            slack.request_url = f"{server.origin}/"
            try:
                yield app
            finally:
                slack.request_url = former
