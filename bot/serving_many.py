"""A bot of many workspaces: the store that knows them, and the pages by which they come."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from bot.core.alert import ALERTS_PATH
from bot.inbound.install import REDIRECT_PATH, Install
from bot.installer import Installer
from bot.outbound.slack_oauth import SlackOAuth
from bot.outbound.store.configuration import Configuration
from bot.outbound.store.store import open_store
from bot.outbound.store.stored_workspaces import StoredWorkspaces
from bot.serving import Managed, Serving
from bot.settings import ManyWorkspaces

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serving_many(
    which: ManyWorkspaces, session: aiohttp.ClientSession, slack_api_url: str, now: Callable[[], float]
) -> AsyncIterator[Serving]:
    """Whoever installs the app. Raises StoreNotUsableError."""
    oauth = SlackOAuth(
        session,
        api_url=slack_api_url,
        client_id=which.client_id.reveal(),
        client_secret=which.client_secret,
        redirect_uri=which.base_url + REDIRECT_PATH,
    )
    async with open_store(which.store.database_url, which.store.encryption_keys) as store:
        workspaces = StoredWorkspaces(store, time.monotonic, now)
        install = Install(Installer(oauth, store.install_states, workspaces, now), base_url=which.base_url)
        try:
            yield Serving(
                workspaces,
                come_up=_be_ready,
                alerts_path=f"{ALERTS_PATH}/{{ref}}",
                routes=install.routes(),
                managed=Managed(Configuration(store.installations, workspaces), which.base_url),
            )
        finally:
            await workspaces.close()


async def _be_ready() -> None:
    _log.info("ready")
