"""Processes of a bot of many workspaces on one database, of which one leads."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.demo.sandbox import environment_of_many
from bot.outbound.store.messages import add_cards
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Installation, Message, SimSlack, Workspace
from harness.cards import COPIES, card
from harness.conversation import post_json, until
from harness.databases import KEY
from harness.process import BotProcess, bot_process
from harness.product import Secret, Store, open_store, workspace
from harness.stored import add_token

POST = "chat.postMessage"
TOKEN = "s3cret-of-the-alerts"
CHANNELS = 10
_SESSION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANSWERS_WITHIN = 0.5  # seconds
_CHANGE = (
    """
    UPDATE parts SET content = replace(content, 'spends', 'spends!')
    WHERE message_id IN (SELECT value FROM json_each(:ids))
    """,
    """
    UPDATE messages SET version = version + 1, due = 0, urgency = CASE WHEN ts IS NULL THEN urgency ELSE 5 END
    WHERE id IN (SELECT value FROM json_each(:ids))
    """,
)


async def leads(bot: BotProcess) -> bool:
    """Return whether it says that it leads."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            return bool((await bot.get("/readyz"))[1]["leader"])
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


@dataclass(slots=True)
class Leaders:
    """The processes, and the workspaces whose messages they send."""

    slack: SimSlack
    anchor: SimAnchor
    store: Store
    environ: Mapping[str, str]
    stack: AsyncExitStack
    tenants: list[Workspace] = field(default_factory=list)
    members: list[BotProcess] = field(default_factory=list)

    async def start(self) -> BotProcess:
        environ = {**self.environ, "PORT": str(free_port())}
        bot = await self.stack.enter_async_context(bot_process(environ, covered=False))
        await bot.says("ready")
        self.members.append(bot)
        return bot

    async def add_tenant(self) -> Workspace:
        """Add a workspace with CHANNELS channels, whose programs can post alerts."""
        number = len(self.tenants)
        app = Installation(f"xoxb-tenant-{number}", bot_user_id=f"U0BOT{number:06}")
        tenant = Workspace(f"T0TENANT{number:03}", f"tenant-{number}", app)
        for channel in range(CHANNELS):
            tenant.add_channel(f"C0TENANT{number:03}{channel}", f"alerts-{channel}", app.bot_user_id)
        self.slack.add_workspace(tenant)
        installed = workspace.Installation(
            team_id=tenant.team_id,
            team_name=tenant.domain,
            enterprise_id=None,
            app_id=app.app_id,
            bot_user_id=app.bot_user_id,
            bot_token=Secret(app.bot_token),
            scopes=tuple(app.scopes),
            installed_by="U0PERSON001",
            installed_at=int(self.slack.clock.now()),
        )
        await self.store.rows.save(installed)
        assert await add_token(self.store.rows, tenant.team_id, TOKEN)
        assert await self.store.rows.set_alerts_channel(tenant.team_id, f"C0TENANT{number:03}0")
        self.tenants.append(tenant)
        return tenant

    async def fill(self, tenants: Sequence[Workspace], count: int, channels: int = CHANNELS) -> None:
        """Let so many alerts of each workspace wait in its channels."""
        for tenant in tenants:
            session, channel = self.anchor.add_session(), next(iter(tenant.channels))[:-1]
            one = card(channel, team=tenant.team_id, ts=None, session=session)
            values = {"team_id": tenant.team_id, "count": count, "channels": channels}

            def copy(connection: Any, one: Any = one, session: str = session, values: dict[str, Any] = values) -> None:
                add_cards([one], connection)
                for statement in COPIES:
                    connection.execute(statement, **values)
                connection.execute("DELETE FROM parts WHERE id = :id", id=one.id)
                connection.execute("DELETE FROM messages WHERE id = :id", id=one.id)
                own = "UPDATE parts SET content = replace(content, :session, session_id) WHERE team_id = :team_id"
                connection.execute(own, session=session, team_id=one.team_id)

            await self.store.database.change(copy)

    async def change(self, ids: Sequence[str]) -> None:
        """Change messages, as another process does."""

        def work(connection: Any) -> None:
            for statement in _CHANGE:
                connection.execute(statement, ids="[" + ",".join(f'"{one}"' for one in ids) + "]")

        await self.store.database.change(work)

    async def rows(self) -> list[Any]:
        """The messages, each with the session and the content of its only part."""
        return list(
            await self.store.database.fetch_all(
                "SELECT messages.id, channel_id, ts, due, failure, session_id, content FROM messages "
                "JOIN parts ON message_id = messages.id ORDER BY messages.id"
            )
        )

    async def leader(self, *, within: float = 20.0) -> BotProcess:
        """Wait until a process says that it leads, and return it."""
        found: list[BotProcess] = []

        async def has_one() -> bool:
            found[:] = [one for one in self.members if await leads(one)]
            return bool(found)

        await until(has_one, within=within)
        return found[0]

    async def seconds_until_shown(self, member: BotProcess, tenant: Workspace) -> float:
        """Post an alert about a new session at a process, and return after how many seconds Slack shows it."""
        began = time.monotonic()
        session, channel = self.anchor.add_session(), next(iter(tenant.channels))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url, body = f"{member.url}/alerts/{tenant.team_id}", {"session_id": session, "text": "High spend"}
        posting = asyncio.create_task(post_json(url, body, headers=headers))

        def is_shown() -> bool:
            return any(session in message.text for message in self.slack.channel_messages(channel))

        await self.slack.until(is_shown, within=30.0)
        seconds = time.monotonic() - began
        assert (await posting)[0] in {200, 202}
        return round(seconds, 2)

    def shown(self) -> list[Message]:
        """All messages of the bot in the workspaces."""
        channels = [channel for tenant in self.tenants for channel in tenant.channels]
        return [message for channel in channels for message in self.slack.channel_messages(channel)]

    def posts(self) -> Counter[str]:
        """How often each session was posted, also if that was deleted."""
        calls = [call for call in self.slack.api_calls if call.method == POST]
        return Counter(session for call in calls for session in set(_SESSION.findall(str(call.arguments["text"]))))


@asynccontextmanager
async def leaders(database_url: str, count: int, tenants: int, **settings: str) -> AsyncIterator[Leaders]:
    """Run so many processes for so many workspaces."""
    async with (
        SimSlack(socket_mode=False) as slack,
        SimAnchor() as anchor,
        open_store(Secret(database_url), [KEY]) as store,
        AsyncExitStack() as stack,
    ):
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal(), **settings}
        environ = environment_of_many(slack, anchor, port=free_port(), **own)
        at = Leaders(slack, anchor, store, environ, stack)
        for _ in range(tenants):
            await at.add_tenant()
        await asyncio.gather(*(at.start() for _ in range(count)))
        yield at
