"""A workplace of many workspaces: simulated Slack and Anchor, and one bot between them for all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.app import Running, running
from bot.core.anchor_key import AnchorKey
from bot.core.secret import Secret
from bot.demo.stage import environment_of_many
from bot.inbound.patience import PATIENCE
from bot.outbound.store.store import Store, open_store
from bot.settings import Settings
from bot.sim.anchor import Received, SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Channel, Delivery, Installation, Message, SimSlack, Source, User, Workspace
from databases import KEY
from harness import WAY
from visits import Browser, Visit


@dataclass(frozen=True, slots=True)
class Tenant:
    """A workspace, somebody in it, its #alerts, its own key at Anchor and a session of that key."""

    workspace: Workspace
    person: User
    alerts: Channel
    key: str
    session: str

    @property
    def team_id(self) -> str:
        return self.workspace.team_id


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What a test of many workspaces talks to; `store` is the bot's, as another process sees it."""

    slack: SimSlack
    anchor: SimAnchor
    bot: Running
    store: Store
    environ: dict[str, str]

    def add(self, number: int) -> Tenant:
        """A workspace in which the app is not installed."""
        app = Installation(f"xoxb-never-{number}", refusal="account_inactive", bot_user_id=f"U0BOT{number:06}")
        workspace = Workspace(f"T0TENANT{number:03}", f"tenant-{number}", app)
        person = workspace.add_user(f"U0PERSON{number:03}", f"person-{number}", is_admin=True)
        alerts = workspace.add_channel(f"C0TENANT{number:03}", "alerts", person, app.bot_user_id)
        self.slack.add_workspace(workspace)
        key = f"sk-of-tenant-{number}"
        self.anchor.add_key(key)
        return Tenant(workspace, person, alerts, key, self.anchor.add_session(key=key))

    async def install(self, tenant: Tenant, **choices: str) -> Visit:
        async with Browser() as browser:
            return await browser.install(self.bot.url, tenant.team_id, **choices)

    async def settle(self, tenant: Tenant) -> Tenant:
        """Install the app, and give the workspace its key."""
        assert (await self.install(tenant)).status == 200
        assert await self.store.installations.set_key(tenant.team_id, AnchorKey(Secret(tenant.key)))
        return tenant

    async def type(self, tenant: Tenant, text: str = "", **fields: Any) -> Delivery:
        """Type /anchor-pause with the tenant's own session, unless said otherwise."""
        return await self.slack.command(tenant.person, tenant.alerts, text or tenant.session, **fields)

    def said(self, tenant: Tenant) -> list[Message]:
        """What the bot has said in the tenant's channel, to whomever."""
        everything = self.slack.seen_by(tenant.person, tenant.alerts)
        return [message for message in everything if message.source is not Source.TYPED]

    def asked(self, tenant: Tenant) -> list[Received]:
        """What reached Anchor about the tenant's session."""
        return self.anchor.posts(tenant.session)

    async def alert(self, ref: str, token: str, **fields: str) -> tuple[int, dict[str, str]]:
        """Post an alert."""
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.bot.url}/alerts/{ref}", json=fields, headers=headers) as answer,
        ):
            return answer.status, await answer.json() if answer.content_type == "application/json" else {}

    async def policy_version(self, team_id: str) -> int:
        """That of the policy of a workspace, as it is kept."""
        found = await self.store.installations.find(team_id)
        assert found
        return found.policy_version


@asynccontextmanager
async def tenancy(
    database_url: str, *, patience: float = PATIENCE, behind: float = 0.0, **settings: str
) -> AsyncIterator[Tenancy]:
    """A bot of many workspaces, in which nobody has installed it yet. At the end nobody may have broken a rule.

    Its clock is `behind` Slack's by so many seconds.
    """
    async with SimSlack(socket_mode=WAY.is_socket) as slack, SimAnchor() as anchor:
        port = free_port()
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal()} | settings
        environ = environment_of_many(slack, anchor, port=port, **own)
        async with (
            running(Settings.from_env(environ), now=lambda: slack.clock.now() - behind, patience=patience) as bot,
            open_store(Secret(database_url), [KEY]) as store,
        ):
            slack.request_url = None if WAY.is_socket else f"{bot.url}/slack/events"
            await bot.identification
            yield Tenancy(slack, anchor, bot, store, environ)
        assert slack.violations == []
        assert anchor.violations == []
