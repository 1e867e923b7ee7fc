"""A client of Slack's Web API, and what users.info answers about people."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.web.async_client import AsyncWebClient

from bot.outbound.http_client import open_session
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.sim.slack import Answer, SimSlack

UNREACHABLE = SlackUnreachableError


def user_info(**user: object) -> Answer:
    """The answer of users.info about everybody."""
    return Answer(200, json.dumps({"ok": True, "user": user}).encode())


@asynccontextmanager
async def web_client(slack: SimSlack) -> AsyncIterator[AsyncWebClient]:
    async with open_session() as session:
        yield open_web(session, slack.url)
