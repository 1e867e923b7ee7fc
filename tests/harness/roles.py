"""The roles of people in one workspace of a simulated Slack."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.fields import Secret
from bot.core.policy import Profile, Role
from bot.core.requests import Actor
from bot.core.workspace import Workspace
from bot.outbound.http import open_session
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.people import People
from bot.outbound.store.store import Store, open_store
from bot.sim.slack import Answer, Fault, SimSlack, User
from harness.databases import KEY
from harness.stored import fetch

TEAM = "T0HOME00001"


class WatchedRoles(People):
    seconds = 0.0

    async def find(self, team_id: str, user_id: str, now: float) -> tuple[Profile, float] | None:
        await asyncio.sleep(self.seconds)
        return await super().find(team_id, user_id, now)


class RolesHarness:
    """The cache of roles, which keeps three people."""

    def __init__(self, slack: SimSlack, web: AsyncWebClient, store: Store) -> None:
        self.slack, self.web, self.store = slack, web, store
        self.rows = WatchedRoles(store.database)
        self.roles = self._cache()

    def another(self) -> RoleCache:
        """Return the cache of another replica."""
        return self._cache()

    def _cache(self) -> RoleCache:
        return RoleCache(self.web, self.rows, most=3)

    async def restart(self) -> None:
        """Forget what is in memory."""
        await self.roles.close()
        self.roles = self._cache()

    async def stored(self) -> dict[str, int]:
        """When Slack has reported whom, in Unix seconds."""
        return dict(await fetch(self.store, "SELECT user_id, seen_at FROM people"))

    def workspace(self) -> Workspace:
        return Workspace(TEAM, Secret(self.slack.bot_token), None)

    async def role(self, user: User) -> Role:
        return await self.roles.get(self.workspace(), actor(user))

    async def role_now(self, user: User) -> Role:
        return await self.roles.fetch(self.workspace(), actor(user))

    async def role_for_pause(self, user: User) -> Role:
        return await self.roles.get(self.workspace(), actor(user), for_pause=True)

    async def role_for_resume(self, user: User) -> Role:
        return await self.roles.get_fresh(self.workspace(), actor(user))

    def remembered(self, user: User) -> Role:
        return self.roles.peek(self.workspace(), actor(user))

    def fail(self, fault: Fault | None) -> None:
        self.slack.faults["users.info"] = fault

    @property
    def questions(self) -> int:
        return [call.method for call in self.slack.api_calls].count("users.info")


def actor(user: User) -> Actor:
    return Actor(TEAM, "C0ALERTS001", user.id, home_team_id=user.team_id)


@asynccontextmanager
async def roles_of_people() -> AsyncIterator[RolesHarness]:
    async with SimSlack() as slack, open_session() as session, open_store(Secret("sqlite://"), [KEY]) as store:
        harness = RolesHarness(slack, open_web(session, slack.url), store)
        yield harness
        await harness.roles.close()
    assert slack.violations == []


UNREACHABLE = SlackUnreachableError


def user_info(**user: object) -> Answer:
    return Answer(200, json.dumps({"ok": True, "user": user}).encode())


@asynccontextmanager
async def web_client(slack: SimSlack) -> AsyncIterator[AsyncWebClient]:
    async with open_session() as session:
        yield open_web(session, slack.url)
