"""The workspaces that a bot serves: one from the settings, or many that installed the app by OAuth."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web

from bot.config.settings import ManyWorkspaces, OneWorkspace, Settings
from bot.core.cards import ALERTS_PATH
from bot.core.fields import Secret, digest
from bot.core.retries import backoff
from bot.core.sessions import NotRead, Unread
from bot.core.workspace import AnchorKey, NewKeyRejected, Workspace
from bot.health import Readiness
from bot.inbound.install import REDIRECT_PATH, Install
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.errors import SlackUnreachableError
from bot.outbound.slack.oauth import SlackOAuth
from bot.outbound.store import availability
from bot.outbound.store.directory import WorkspaceDirectory
from bot.outbound.store.secrets import keys_of_one
from bot.outbound.store.store import Store
from bot.outbound.store.workspaces import WorkspaceRows
from bot.outbound.workspaces import SingleWorkspace, Workspaces
from bot.usecases.install import Installer
from bot.usecases.monitor import WorkspaceMonitor

_log = logging.getLogger(__name__)

_MIN_RETRY_DELAY, _MAX_RETRY_DELAY = 1.0, 30.0
KEY_CHECK_INTERVAL = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The served workspaces and their store. `start` returns when they can be served; no `alerts_path`: no alerts.

    From then on `check` looks for what makes the service worse, every `check_interval` seconds.
    `rows` is set if admins can change settings in Slack; `base_url` is then the bot's public URL.
    """

    workspaces: Workspaces
    store: Store
    start: Callable[[], Coroutine[Any, Any, None]]
    check: Callable[[WorkspaceMonitor], Awaitable[None]]
    check_interval: float
    alerts_path: str | None
    routes: tuple[web.RouteDef, ...] = ()
    rows: WorkspaceRows | None = None
    base_url: str = ""


@asynccontextmanager
async def open_tenancy(  # noqa: PLR0913 - collaborators
    settings: Settings,
    session: aiohttp.ClientSession,
    slack: SlackClient,
    anchor: AnchorClient,
    readiness: Readiness,
    *,
    now: Callable[[], float],
    lock_wait: float,
) -> AsyncIterator[Tenancy]:
    """Open the workspaces of the settings; wait `lock_wait` seconds for another bot on the same SQLite file.

    Raises StoreNotUsableError; `start` raises TokenRefusedError.
    """
    if isinstance(settings.workspaces, OneWorkspace):
        one, store = settings.workspaces, settings.workspaces.store
        keys = keys_of_one(store.encryption_keys, one.bot_token)
        async with availability.open_optional(store.database_url, keys, readiness, lock_wait=lock_wait) as opened:
            yield _one(one, opened, slack, anchor, readiness)
    else:
        many, store = settings.workspaces, settings.workspaces.store
        url, keys = store.database_url, store.encryption_keys
        async with (
            availability.connect_locked(url, keys, lock_wait=lock_wait) as connected,
            _many(many, connected, session, settings.slack_api_url, readiness, now) as tenancy,
        ):
            yield tenancy


def _one(
    settings: OneWorkspace, store: Store, slack: SlackClient, anchor: AnchorClient, readiness: Readiness
) -> Tenancy:
    token = settings.alerts_token
    workspaces = SingleWorkspace(
        Workspace(
            team_id="",
            bot_token=settings.bot_token,
            anchor_key=AnchorKey(settings.anchor_api_key),
            policy=settings.policy,
            alerts_token_digest=None if token is None else digest(token.reveal()),
            alerts_channel=settings.alerts_channel,
        )
    )
    readiness.block("slack", "Slack has not accepted the bot token yet.")
    return Tenancy(
        workspaces,
        store,
        start=lambda: _identify(slack, settings.bot_token, workspaces, readiness),
        check=partial(_check_key, anchor, settings.anchor_api_key, workspaces),
        check_interval=KEY_CHECK_INTERVAL,
        alerts_path=None if token is None else ALERTS_PATH,
    )


async def _identify(slack: SlackClient, token: Secret, workspaces: SingleWorkspace, readiness: Readiness) -> None:
    """Ask Slack for the token's team until it answers. Raises TokenRefusedError."""
    for attempt in count(1):
        try:
            team_id, enterprise_id = await slack.identify(token)
        except SlackUnreachableError as error:
            delay = backoff(attempt, first=_MIN_RETRY_DELAY, longest=_MAX_RETRY_DELAY)
            readiness.block("slack", f"Slack can't be reached ({error}); trying again.")
            _log.warning("Slack can't be reached", extra={"why": str(error), "next_attempt_in": delay})
            await asyncio.sleep(delay)
        else:
            workspaces.identify(team_id, enterprise_id)
            readiness.clear("slack")
            _log.info("ready", extra={"team": team_id})
            return


async def _check_key(anchor: AnchorClient, key: Secret, workspaces: SingleWorkspace, monitor: WorkspaceMonitor) -> None:
    """Try the key with Anchor. Without an answer nothing is known about it."""
    result, workspace = await anchor.try_key(key), await workspaces.owner_of_alerts("")
    if isinstance(result, NewKeyRejected) and workspace is not None:
        monitor.record_list(workspace, NotRead(Unread.KEY_REJECTED, result.status_code))
    elif result is None and workspace is not None:
        monitor.record_list(workspace, result)


async def _check_many(store: Store, readiness: Readiness, workspaces: WorkspaceDirectory, _: WorkspaceMonitor) -> None:
    await availability.check(store, readiness)
    await workspaces.retry_uninstalls()


def open_oauth(settings: ManyWorkspaces, session: aiohttp.ClientSession, slack_api_url: str) -> SlackOAuth:
    """Return the OAuth client of the app that many workspaces install."""
    return SlackOAuth(
        session,
        api_url=slack_api_url,
        client_id=settings.client_id.reveal(),
        client_secret=settings.client_secret,
        redirect_uri=settings.base_url + REDIRECT_PATH,
    )


@asynccontextmanager
async def _many(  # noqa: PLR0913, PLR0917 - collaborators
    settings: ManyWorkspaces,
    store: Store,
    session: aiohttp.ClientSession,
    slack_api_url: str,
    readiness: Readiness,
    now: Callable[[], float],
) -> AsyncIterator[Tenancy]:
    oauth = open_oauth(settings, session, slack_api_url)
    is_prepared = await availability.prepare(store, readiness)
    workspaces = WorkspaceDirectory(store, time.monotonic, now)
    install = Install(Installer(oauth, store.install_states, workspaces.rows, now), base_url=settings.base_url)
    try:
        yield Tenancy(
            workspaces,
            store,
            start=partial(availability.wait_until_prepared, store, readiness, is_prepared=is_prepared),
            check=partial(_check_many, store, readiness, workspaces),
            check_interval=availability.CHECK_INTERVAL,
            alerts_path=f"{ALERTS_PATH}/{{ref}}",
            routes=install.routes(),
            rows=workspaces.rows,
            base_url=settings.base_url,
        )
    finally:
        await workspaces.close()
