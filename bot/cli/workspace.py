"""The workspace in which a command orders something, with its store, and the client of Anchor."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bot.cli.terminal import UNUSABLE_SETTINGS, NotDoneError, terminal_text
from bot.config.environment import Settings
from bot.core.fields import Proxy, Secret
from bot.core.orders import Order
from bot.core.sessions import NotRead, SessionList
from bot.core.workspace import Workspace
from bot.messages.markup import printable
from bot.messages.outcomes import worded
from bot.messages.sessions import NOTHING_PAUSED, not_read_text
from bot.outbound.anchor_orders import AnchorClient, AnchorHttp
from bot.outbound.anchor_sessions import AnchorSessions
from bot.outbound.http import Transport, open_session
from bot.outbound.store.errors import StoreError, StoreNotUsableError, or_default
from bot.outbound.store.sqlite import IN_MEMORY, file_of
from bot.outbound.store.store import Store, open_store
from bot.runtime import begin_request
from bot.usecases.permissions import Access, OperatorAccess

NOT_MANY = "--workspace is for a bot of many workspaces. This one has one, in its settings."

_WITHOUT_LIST = "`anchor-bot pause ID` works without this list."
_NOTHING_KEPT = "DATABASE_URL is sqlite://, so the bot keeps nothing."
_OPEN_TIMEOUT = 2.0  # seconds for which a pause waits for the database
_IDENTIFY_TIMEOUT = 1.0  # seconds for which it waits for the id of the workspace


@dataclass(frozen=True, slots=True)
class Context:
    """The workspace of an order, its store, and why that cannot be used, if so. The keys are sent by `session`."""

    settings: Settings
    session: aiohttp.ClientSession
    team_id: str
    store: Store
    why_not: str | None = None

    async def find(self, team_id: str) -> Workspace | None:
        """Return the workspace of the settings, or one of the database. Raises StoreError."""
        return self.settings.workspace or await self.store.rows.find(team_id)

    @property
    def anchor(self) -> AnchorClient:
        """Return the client of Anchor's API."""
        return open_anchor(self.session, self.settings)

    @property
    def sessions(self) -> AnchorSessions:
        """Return the reads of sessions."""
        return AnchorSessions(self.anchor.http, self.settings.anchor_timeout)

    async def require_access(self, order: Order) -> Access:
        """Return the access to the workspace of an order. Raises NotDoneError."""
        access = await OperatorAccess(self.find).check(order)
        if not isinstance(access, Access):
            why = worded(order.verb, access)
            raise NotDoneError(terminal_text(f"{why.reason} {why.advice}"))
        return access

    async def read_running(self, order: Order) -> SessionList:
        """Return the sessions that run. Raises NotDoneError."""
        found = await self.sessions.running((await self.require_access(order)).key)
        if isinstance(found, NotRead):
            raise NotDoneError(terminal_text(not_read_text(found, verdict=NOTHING_PAUSED, without=_WITHOUT_LIST)))
        return found


def open_client_session(proxy: Proxy | None) -> aiohttp.ClientSession:
    """Open the connection pool. Raises NotDoneError if the certificates cannot be read."""
    try:
        return open_session(proxy=proxy)
    except OSError as error:
        raise NotDoneError(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.") from None


def open_anchor(session: aiohttp.ClientSession, settings: Settings) -> AnchorClient:
    """Return the client of Anchor's API."""
    http = AnchorHttp(Transport(session, settings.proxy), settings.anchor_api_url)
    return AnchorClient(http, timeout=settings.anchor_timeout, deadline=settings.anchor_deadline)


def check_file(database_url: Secret) -> None:
    """Raise NotDoneError if the file of a SQLite database can't be read and written, or is none: nothing makes one."""
    file = file_of(database_url)
    if file is not None and not os.access(file, os.R_OK | os.W_OK):
        why = "can't be read and written" if file.exists() else "is not there"
        where = "Run this in the bot's directory, as the bot's user, or set DATABASE_URL to the bot's value"
        raise NotDoneError(f"The database {file.absolute()} {why}. {where}.")


def require_kept(database_url: Secret) -> None:
    """Raise NotDoneError if the bot keeps nothing, or as `check_file` does."""
    if database_url == IN_MEMORY:
        raise NotDoneError(_NOTHING_KEPT)
    check_file(database_url)


@asynccontextmanager
async def open_context(team_id: str | None, settings: Settings) -> AsyncIterator[Context]:
    """Open the workspace with an id, or the only one. Raises NotDoneError."""
    begin_request()
    async with open_client_session(settings.proxy) as session, AsyncExitStack() as stack:
        if settings.workspace is None:
            yield await _one_of_many(team_id, settings, session, stack)
        elif team_id is None:
            yield await _the_only_one(settings, settings.workspace, session, stack)
        else:
            raise NotDoneError(NOT_MANY, code=UNUSABLE_SETTINGS)


async def _one_of_many(
    team_id: str | None, settings: Settings, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Context:
    check_file(settings.database_url)
    try:
        store = await stack.enter_async_context(open_store(settings.database_url, settings.store_keys))
        installed = await store.rows.summaries()
    except (StoreNotUsableError, StoreError) as error:
        raise NotDoneError(f"Nothing was sent: the workspace's key is in the database. {error}") from None
    chosen = [one for one in installed if team_id in {None, one.team_id}]
    if len(chosen) == 1:
        return Context(settings, session, chosen[0].team_id, store)
    which = ", ".join(f"{printable(one.team_name, limit=100)} ({one.team_id})" for one in chosen)
    why = f"No workspace {team_id} is installed." if team_id else "No workspace is installed."
    raise NotDoneError(f"Say in which workspace, with --workspace: {which}." if chosen else why, code=UNUSABLE_SETTINGS)


async def _the_only_one(
    settings: Settings, workspace: Workspace, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Context:
    try:
        check_file(settings.database_url)
        opening = open_store(settings.database_url, settings.store_keys, keys_must_fit=False)
        async with asyncio.timeout(_OPEN_TIMEOUT):
            store = await stack.enter_async_context(opening)
    except (NotDoneError, StoreNotUsableError, TimeoutError) as error:
        why_not = str(error) or "The database does not answer."
        store = await stack.enter_async_context(open_store(IN_MEMORY, settings.store_keys, is_prepared=False))
        return Context(settings, session, "", store, why_not)
    ids = await or_default(store.rows.find_ids(workspace.bot_token), None, within=_IDENTIFY_TIMEOUT)
    if ids is None:  # no bot has learned yet whose the token is: orders are of a workspace without a name
        await or_default(store.rows.save_ids(workspace), None, within=_IDENTIFY_TIMEOUT)
    return Context(settings, session, ids[0] if ids else "", store)
