"""The harness of a bot that serves many workspaces."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.app import Bot, Limits, running
from bot.config.settings import Settings
from bot.core.fields import Secret
from bot.core.workspace import AnchorKey
from bot.demo.sandbox import environment_of_many
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Installation, SimSlack, Workspace
from harness.conversation import Conversation, post_json
from harness.databases import KEY
from harness.install_browser import Browser, Visit
from harness.single_workspace import PATIENT, PATIENT_ACK, obeying
from harness.stored import add_token
from harness.transport import current_transport


@dataclass(frozen=True, slots=True)
class Tenant(Conversation):
    """One of many workspaces: an admin in its #alerts, its own `key` at Anchor and a session of that key."""

    key: str

    @property
    def team_id(self) -> str:
        return self.workspace.team_id


@dataclass(frozen=True, slots=True)
class ManyHarness:
    """A bot of many workspaces; `store` is its database, as another process sees it."""

    slack: SimSlack
    anchor: SimAnchor
    bot: Bot
    store: Store
    environ: dict[str, str]

    def add(self, number: int) -> Tenant:
        token, shortcuts = f"xoxb-never-{number}", self.slack.home.installation.global_shortcuts
        app = Installation(
            token, refusal="account_inactive", bot_user_id=f"U0BOT{number:06}", global_shortcuts=shortcuts
        )
        workspace = Workspace(f"T0TENANT{number:03}", f"tenant-{number}", app)
        person = workspace.add_user(f"U0PERSON{number:03}", f"person-{number}", is_admin=True)
        alerts = workspace.add_channel(f"C0TENANT{number:03}", "alerts", person, app.bot_user_id)
        self.slack.add_workspace(workspace)
        key = f"sk-of-tenant-{number}"
        self.anchor.add_key(key)
        session = self.anchor.add_session(key=key)
        return Tenant(self.slack, self.anchor, workspace, person, alerts, session, key)

    async def install(self, tenant: Tenant, **choices: str) -> Visit:
        async with Browser() as browser:
            return await browser.install(self.bot.url, tenant.team_id, **choices)

    async def set_up(self, tenant: Tenant) -> Tenant:
        assert (await self.install(tenant)).status == 200
        assert await self.store.rows.set_key(tenant.team_id, AnchorKey(Secret(tenant.key)))
        return tenant

    async def set_up_two(self) -> tuple[Tenant, Tenant]:
        return await self.set_up(self.add(1)), await self.set_up(self.add(2))

    async def take_alerts(self, tenant: Tenant, token: str) -> None:
        assert await add_token(self.store.rows, tenant.team_id, token)
        assert await self.store.rows.set_alerts_channel(tenant.team_id, tenant.channel.id)

    async def teams(self) -> list[str]:
        return [one.team_id for one in await self.store.rows.summaries()]

    async def post_alert(self, team_id: str, token: str, **fields: str) -> tuple[int, dict[str, str]]:
        headers = {"Authorization": f"Bearer {token}"}
        status, answer, _ = await post_json(f"{self.bot.url}/alerts/{team_id}", fields, headers=headers)
        return status, answer

    async def policy_version(self, team_id: str) -> int:
        found = await self.store.rows.find(team_id)
        assert found
        return found.policy_version

    async def rename_table(self, before: str, after: str) -> None:
        await self.execute(f"ALTER TABLE {before} RENAME TO {after}")

    async def execute(self, sql: str) -> None:
        await self.store.database.execute(sql)


@asynccontextmanager
async def many_workspaces(
    database_url: str, *, ack_wait: float = PATIENT_ACK, **options: Any
) -> AsyncIterator[ManyHarness]:
    """Run a bot for many workspaces; none has installed it yet. At the end nobody may have violated a rule.

    The options are settings and limits, as of one workspace.
    """
    async with SimSlack(socket_mode=current_transport.is_socket, ack_deadline=PATIENT) as slack, SimAnchor() as anchor:
        port = free_port()
        settings = {name: value for name, value in options.items() if name.isupper()}
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal()} | settings
        environ = environment_of_many(slack, anchor, port=port, **own)
        limits = Limits(
            now=slack.clock.now,
            ack_wait=ack_wait,
            redelivery_window=0.0,
            **{name: value for name, value in options.items() if not name.isupper()},
        )
        with obeying(slack, anchor):
            async with (
                running(Settings.from_env(environ), limits) as bot,
                open_store(Secret(database_url), [KEY]) as store,
            ):
                slack.request_url = None if current_transport.is_socket else f"{bot.url}/slack/events"
                await bot.startup
                yield ManyHarness(slack, anchor, bot, store, environ)
