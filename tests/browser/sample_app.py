"""An app that shows views to people, and answers what they do there as a test says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
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
    """`opens` are the modals that buttons open, by action_id; `answers` are acks of submissions, in order.

    An ack takes `delay` seconds.
    """

    slack: SimSlack
    session: aiohttp.ClientSession
    opens: dict[str, Block] = field(default_factory=dict)
    answers: list[object] = field(default_factory=list)
    received: list[Json] = field(default_factory=list)
    delay: float = 0.0

    def of_type(self, kind: str) -> list[Json]:
        return [payload for payload in self.received if payload["type"] == kind]

    async def publish(self, user: User, *blocks: Block) -> None:
        await self.call("views.publish", user_id=user.id, view={"type": "home", "blocks": blocks})

    async def update(self, view: Block) -> None:
        """Update the modal that Alice sees."""
        modal = self.slack.modal_of(self.slack.alice)
        assert modal
        await self.call("views.update", view_id=modal.id, view=view)

    def clear(self) -> None:
        """Remove all its views."""
        self.slack.platform.views.forget(self.slack.home.team_id)

    async def has_received(self, look: Callable[[], object], expected: object) -> None:
        """Wait until the app has received this, and no more."""
        with contextlib.suppress(TimeoutError):
            await self.slack.until(lambda: look() == expected)
        assert look() == expected

    def submitted(self) -> list[Json]:
        """What was typed and chosen in each submission, by block_id and action_id."""
        return [payload["view"]["state"]["values"] for payload in self.of_type("view_submission")]

    async def call(self, method: str, **arguments: object) -> None:
        headers = {"Authorization": f"Bearer {self.slack.bot_token}"}
        async with self.session.post(f"{self.slack.url}{method}", json=arguments, headers=headers) as answer:
            said: Json = await answer.json()
        assert said["ok"], said

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.text()
        payload = json.loads(body if request.content_type == "application/json" else parse_qs(body)["payload"][0])
        self.received.append(payload)
        await asyncio.sleep(self.delay)
        for action in payload.get("actions", ()):
            if view := self.opens.get(action["action_id"]):
                method = "views.push" if self.slack.modal_of(self.slack.alice) else "views.open"
                await self.call(method, trigger_id=payload["trigger_id"], view=view)
        answer = self.answers.pop(0) if self.answers and payload["type"] == "view_submission" else None
        return web.Response() if answer is None else web.json_response(answer)


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
