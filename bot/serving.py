"""Which workspaces a bot serves, and what that takes: the one of the settings, or those that OAuth installed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from bot.core.alert import ALERTS_PATH
from bot.core.anchor_key import AnchorKey
from bot.core.digest import digest
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.slack import SlackClient
from bot.outbound.slack_web import SlackUnreachableError
from bot.outbound.workspaces import SingleWorkspace, Workspaces
from bot.readiness import Readiness
from bot.settings import OneWorkspace, Settings

if TYPE_CHECKING:  # a bot of one workspace needs no database
    from bot.outbound.store.configuration import Configuration

_log = logging.getLogger(__name__)

_FIRST_RETRY, _LONGEST_RETRY = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Managed:
    """Where what admins change is kept, and where programs reach the bot."""

    configuration: "Configuration"
    base_url: str


@dataclass(frozen=True, slots=True)
class Serving:
    """Who is served. `come_up` ends when requests may be let in; without `alerts_path` no alerts are taken.

    `managed` is there where the admins of a workspace can change its settings in Slack.
    """

    workspaces: Workspaces
    come_up: Callable[[], Coroutine[Any, Any, None]]
    alerts_path: str | None
    routes: tuple[web.RouteDef, ...] = ()
    managed: Managed | None = None


@asynccontextmanager
async def serving(
    settings: Settings,
    session: aiohttp.ClientSession,
    slack: SlackClient,
    readiness: Readiness,
    now: Callable[[], float],
) -> AsyncIterator[Serving]:
    """Whoever the settings say. Raises StoreNotUsableError; `come_up` raises TokenRefusedError."""
    which = settings.workspaces
    if isinstance(which, OneWorkspace):
        yield _one(which, slack, readiness)
        return
    from bot.serving_many import serving_many  # noqa: PLC0415 - a bot of one workspace needs no database

    async with serving_many(which, session, settings.slack_api_url, now) as served:
        yield served


def _one(which: OneWorkspace, slack: SlackClient, readiness: Readiness) -> Serving:
    token = which.alerts_token
    workspaces = SingleWorkspace(
        Workspace(
            team_id=None,
            bot_token=which.bot_token,
            anchor_key=AnchorKey(which.anchor_api_key),
            policy=which.policy,
            alerts_token_digest=None if token is None else digest(token.reveal()),
            alerts_channel=which.alerts_channel,
        )
    )
    readiness.block("slack", "Slack has not accepted the bot token yet.")
    return Serving(
        workspaces,
        come_up=lambda: _identify(slack, which.bot_token, workspaces, readiness),
        alerts_path=None if token is None else ALERTS_PATH,
    )


async def _identify(slack: SlackClient, token: Secret, workspaces: SingleWorkspace, readiness: Readiness) -> None:
    """Ask Slack whose the token is until it answers. Raises TokenRefusedError."""
    wait = _FIRST_RETRY
    while True:
        try:
            team_id = await slack.identify(token)
        except SlackUnreachableError as error:
            readiness.block("slack", f"Slack can't be reached ({error}); trying again.")
            _log.warning("Slack can't be reached", extra={"why": str(error), "next_attempt_in": wait})
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_RETRY)
        else:
            workspaces.identify(team_id)
            readiness.clear("slack")
            _log.info("ready", extra={"team": team_id})
            return
