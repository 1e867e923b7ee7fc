"""An app that puts views before people, and answers what they do there as a test says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from bot.sim.local_server import LocalServer
from bot.sim.slack import SimSlack, User
from browser.parts import Part, plain

Json = dict[str, Any]


@dataclass
class SmallApp:
    """`opens` are the modals that a button puts up, by its action_id; `answers` are acks of submissions, in turn.

    An ack takes `delay` seconds.
    """

    slack: SimSlack
    session: aiohttp.ClientSession
    opens: dict[str, Part] = field(default_factory=dict)
    answers: list[object] = field(default_factory=list)
    received: list[Json] = field(default_factory=list)
    delay: float = 0.0

    def of_type(self, kind: str) -> list[Json]:
        """The payloads of one type, in order of arrival."""
        return [payload for payload in self.received if payload["type"] == kind]

    async def publish(self, user: User, *blocks: Part) -> None:
        """Let the Home tab of a person be this."""
        view = {"type": "home", "blocks": blocks}
        await self.call("views.publish", user_id=user.id, view=view)

    async def update(self, view: Part) -> None:
        """Let the modal on top before Alice be this."""
        modal = self.slack.modal_of(self.slack.alice)
        assert modal
        await self.call("views.update", view_id=modal.id, view=view)

    def clear(self) -> None:
        """Take everything away that it has put before people."""
        self.slack.platform.views.forget(self.slack.home.team_id)

    async def hears(self, look: Callable[[], object], expected: object) -> None:
        """Wait until the app was told of this, and of no more."""
        with contextlib.suppress(TimeoutError):
            await self.slack.until(lambda: look() == expected)
        assert look() == expected

    def submitted(self) -> list[Json]:
        """What was typed and chosen in each submission, by block_id and action_id."""
        return [payload["view"]["state"]["values"] for payload in self.of_type("view_submission")]

    async def call(self, method: str, **arguments: object) -> Json:
        """Call Slack."""
        headers = {"Authorization": f"Bearer {self.slack.bot_token}"}
        async with self.session.post(f"{self.slack.url}{method}", json=arguments, headers=headers) as answer:
            said: Json = await answer.json()
        assert said["ok"], said
        return said

    async def serve(self, request: web.Request) -> web.Response:
        payload = _payload(request.content_type, await request.text())
        self.received.append(payload)
        await asyncio.sleep(self.delay)
        for action in payload.get("actions", ()):
            if view := self.opens.get(action["action_id"]):
                method = "views.push" if self.slack.modal_of(self.slack.alice) else "views.open"
                await self.call(method, trigger_id=payload["trigger_id"], view=view)
        answer = self.answers.pop(0) if self.answers and payload["type"] == "view_submission" else None
        return web.Response() if answer is None else web.json_response(answer)


@asynccontextmanager
async def small_app(slack: SimSlack) -> AsyncIterator[SmallApp]:
    """Run it in the place of the bot."""
    async with aiohttp.ClientSession() as session:
        app = SmallApp(slack, session)
        road = slack.request_url
        async with LocalServer([web.post("/", app.serve)]) as server:
            slack.request_url = f"{server.origin}/"
            try:
                yield app
            finally:
                slack.request_url = road


def modal(*blocks: Part, title: str = "A modal", submit: str | None = "Save", **more: object) -> Part:
    """A modal; without `submit` it has no such button."""
    button: Mapping[str, object] = {"submit": plain(submit)} if submit else {}
    return {"type": "modal", "title": plain(title), "blocks": blocks, **button, **more}


def field_of(kind: str, name: str = "field", *, label: str = "Field", **element: object) -> Part:
    """An input block with one element, both of this name."""
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label),
        "element": {"type": kind, "action_id": name, **element},
    }


def _payload(content_type: str, body: str) -> Json:
    raw: Json = json.loads(body if content_type == "application/json" else parse_qs(body)["payload"][0])
    return raw
