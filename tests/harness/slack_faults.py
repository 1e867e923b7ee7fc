"""What Slack's users.info answers if it does not say who somebody is, and a client of Slack's Web API."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.secret import Secret
from bot.outbound.http_client import open_session
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.sim.slack import (
    Answer,
    Fault,
    ResetAfterReading,
    ResetBeforeReading,
    SimSlack,
    api_error,
    rate_limited,
    server_error,
)

NO_ANSWER: Sequence[Fault] = (
    ResetBeforeReading(),
    ResetAfterReading(),
    server_error(),
    rate_limited(60),
    api_error("internal_error"),
    api_error("invalid_auth"),
)
"""The ways in which Slack does not say who somebody is."""

UNREACHABLE = SlackUnreachableError


def user_info(**user: object) -> Answer:
    """The answer of users.info about everybody."""
    return Answer(200, json.dumps({"ok": True, "user": user}).encode())


@asynccontextmanager
async def web_client(slack: SimSlack) -> AsyncIterator[AsyncWebClient]:
    """Open a client of Slack's Web API."""
    async with open_session() as session:
        yield open_web(session, slack.url)


@asynccontextmanager
async def slack_client(
    slack: SimSlack, *traces: aiohttp.TraceConfig
) -> AsyncIterator[tuple[Callable[[], Awaitable[object]], Callable[[str], Awaitable[int]]]]:
    """Open a client; return its call of auth.test, and a GET of any path by the same session."""
    async with open_session(*traces) as session:
        client = SlackClient(open_web(session, slack.url))

        async def get(path: str) -> int:
            async with session.get(f"{slack.url.removesuffix('/api/')}{path}") as response:
                return response.status

        yield lambda: client.identify(Secret(slack.bot_token)), get
