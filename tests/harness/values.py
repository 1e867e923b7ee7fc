"""Connections of the product to a simulator, and values of the product that tests build."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.fields import Proxy
from bot.core.orders import MessageContent
from bot.core.session_ids import Found
from bot.messages.blocks import ephemeral, told
from bot.outbound.http import Transport, open_session
from bot.outbound.slack.web_api import SlackUnreachableError, open_web
from bot.sim.slack import SimSlack

__all__ = ["Found", "MessageContent"]

UNREACHABLE = SlackUnreachableError
FOR_ALL, FOR_ONE = told(["hello"]), ephemeral("hello")


@asynccontextmanager
async def http_client(proxy: Proxy | None = None) -> AsyncIterator[Transport]:
    async with open_session(proxy=proxy) as session:
        yield Transport(session, proxy)


@asynccontextmanager
async def web_client(slack: SimSlack) -> AsyncIterator[AsyncWebClient]:
    async with open_session() as session:
        yield open_web(session, slack.url)
