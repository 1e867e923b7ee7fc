"""A whole workplace for conversation tests: simulated Slack and Anchor, and the bot between them, over real sockets."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from bot.app import Running, running
from bot.control import CAPACITY
from bot.demo.stage import environment
from bot.inbound.patience import PATIENCE
from bot.inbound.socket_link import HEARTBEAT
from bot.settings import Settings
from bot.sim.anchor import SimAnchor
from bot.sim.slack import Answered, Channel, Delivery, Message, SimSlack, Source, User

SESSION = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
OTHER_SESSION = "9c0d7e11-2222-4333-8444-555566667777"


HTTP_ONLY = pytest.mark.parametrize("transport", ["http"], indirect=True)
"""For a test of what only the HTTP door does."""

SOCKET_ONLY = pytest.mark.parametrize("transport", ["socket"], indirect=True)
"""For a test of what only Socket Mode has."""


@dataclass(slots=True)
class Way:
    """How Slack reaches the bot: "http" or "socket". The fixture `transport` sets it for each test."""

    transport: str = "http"

    @property
    def is_socket(self) -> bool:
        return self.transport == "socket"


WAY = Way()


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a conversation test talks to."""

    slack: SimSlack
    anchor: SimAnchor
    bot: Running

    async def type(
        self,
        text: str,
        *,
        user: User | None = None,
        channel: Channel | None = None,
        command: str = "/anchor-pause",
        **fields: str | None,
    ) -> Delivery:
        """Type a command as Alice in #alerts, unless said otherwise; an override of None leaves a field out."""
        return await self.slack.command(
            user or self.slack.alice, channel or self.slack.alerts, text, command=command, **fields
        )

    async def deliver(self, kind: str, payload: Mapping[str, object], *, takes_answer: bool = False) -> Answered:
        """Have Slack send any payload: `kind` is what an envelope calls it."""
        return await deliver(self.slack, kind, payload, takes_answer=takes_answer)

    @property
    def calls(self) -> list[str]:
        """The methods of Slack's that the bot has called, but for those that open a connection."""
        return [call.method for call in self.slack.api_calls if call.method != "apps.connections.open"]

    def results(self, channel: Channel | None = None) -> list[Message]:
        """What the bot has said to everybody in the channel."""
        everything = self.slack.channel_messages(channel or self.slack.alerts)
        return [message for message in everything if message.source is not Source.TYPED]

    def whispers(self, user: User | None = None, channel: Channel | None = None) -> list[Message]:
        """What the bot, or Slack itself, has said to this person alone."""
        seen = self.slack.seen_by(user or self.slack.alice, channel or self.slack.alerts)
        return [message for message in seen if message.ephemeral_to]

    async def results_come(self, count: int = 1, *, within: float = 5.0) -> list[Message]:
        """Wait for results in #alerts, and return them."""
        await self.slack.until(lambda: len(self.results()) >= count, within=within)
        return self.results()


async def deliver(slack: SimSlack, kind: str, payload: Mapping[str, object], *, takes_answer: bool = False) -> Answered:
    """Have Slack send any payload: `kind` is what an envelope calls it."""
    if slack.socket_mode:
        return await slack.sockets.send(kind, payload, accepts_response_payload=takes_answer)
    if kind == "events_api":
        body = json.dumps(payload).encode()
        return await slack.send(body, slack.sign(body) | {"Content-Type": "application/json"})
    body = urlencode({"payload": json.dumps(payload)} if kind == "interactive" else payload).encode()
    return await slack.send(body, slack.sign(body))


@asynccontextmanager
async def workplace(
    *,
    capacity: int = CAPACITY,
    now: Callable[[], float] = time.time,
    patience: float = PATIENCE,
    heartbeat: float = HEARTBEAT,
    **settings: str,
) -> AsyncIterator[Workplace]:
    """A workplace with one running session, SESSION. At the end nobody may have broken a rule."""
    async with SimSlack(socket_mode=WAY.is_socket) as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        environ = environment(slack, anchor, **settings)
        async with running(
            Settings.from_env(environ), now=now, capacity=capacity, patience=patience, heartbeat=heartbeat
        ) as bot:
            slack.request_url = None if WAY.is_socket else f"{bot.url}/slack/events"
            await bot.identification
            yield Workplace(slack, anchor, bot)
        assert slack.violations == []
        assert anchor.violations == []
