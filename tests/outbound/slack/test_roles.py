"""The roles of people: what Slack says of them, and how long that counts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.outbound.http import open_session
from bot.outbound.slack.roles import RoleCache, fetch_profile
from bot.outbound.slack.web_api import open_web
from bot.outbound.store.people import People
from bot.sim.slack import Answer, Enterprise, Fault, Hang, Installation, SimSlack, Slow, User, Workspace, server_error
from harness.conversation import until
from harness.databases import KEY
from harness.product import Secret, Store, open_store, orders, permissions
from harness.product import workspace as ours
from harness.stored import DAY, fetch
from harness.values import web_client

TEAM = "T0HOME00001"
Role, Profile = permissions.Role, permissions.Profile


class WatchedRoles(People):
    seconds = 0.0

    async def find(self, team_id: str, user_id: str, now: float) -> tuple[permissions.Profile, float] | None:
        await asyncio.sleep(self.seconds)
        return await super().find(team_id, user_id, now)


class RolesHarness:
    """The cache of roles, which keeps three people."""

    def __init__(self, slack: SimSlack, web: AsyncWebClient, store: Store) -> None:
        self.slack, self.web, self.store = slack, web, store
        self.rows = WatchedRoles(store.database)
        self.roles = self._cache()

    def _cache(self) -> RoleCache:
        return RoleCache(self.web, self.rows, most=3)

    async def restart(self) -> None:
        """Forget what is in memory."""
        await self.roles.close()
        self.roles = self._cache()

    async def stored(self) -> dict[str, int]:
        """When Slack has reported whom, in Unix seconds."""
        return dict(await fetch(self.store, "SELECT user_id, seen_at FROM people"))

    def workspace(self) -> ours.Workspace:
        return ours.Workspace(TEAM, Secret(self.slack.bot_token), None)

    async def role(self, user: User) -> permissions.Role:
        return await self.roles.get(self.workspace(), actor(user))

    async def role_now(self, user: User) -> permissions.Role:
        return await self.roles.fetch(self.workspace(), actor(user))

    async def role_for_pause(self, user: User) -> permissions.Role:
        return await self.roles.get_for_pause(self.workspace(), actor(user))

    async def role_for_resume(self, user: User) -> permissions.Role:
        return await self.roles.get(self.workspace(), actor(user))

    def remembered(self, user: User) -> permissions.Role:
        return self.roles.peek(self.workspace(), actor(user))

    def fail(self, fault: Fault | None) -> None:
        self.slack.faults["users.info"] = fault

    @property
    def questions(self) -> int:
        return [call.method for call in self.slack.api_calls].count("users.info")


def actor(user: User) -> orders.Actor:
    return orders.Actor(TEAM, "C0ALERTS001", user.id, home_team_id=user.team_id)


@asynccontextmanager
async def roles_of_people() -> AsyncIterator[RolesHarness]:
    async with SimSlack() as slack, open_session() as session, open_store(Secret("sqlite://"), [KEY]) as store:
        harness = RolesHarness(slack, open_web(session, slack.url), store)
        await store.rows.save_ids(harness.workspace())
        yield harness
        await harness.roles.close()
    assert slack.violations == []


def user_info(**user: object) -> Answer:
    return Answer(200, json.dumps({"ok": True, "user": user}).encode())


@pytest.fixture
async def at() -> AsyncIterator[RolesHarness]:
    async with roles_of_people() as harness:
        yield harness


async def test_many_requests_at_once_are_one_question_that_unknown_people_wait_for(at: RolesHarness) -> None:
    at.fail(Slow(1.2))
    bob, alice = at.slack.bob, at.slack.alice
    assert await asyncio.gather(*map(at.role, [bob, alice] * 20)) == [Role.MEMBER, Role.ADMIN] * 20
    assert at.questions == 2
    await asyncio.sleep(300)
    assert await asyncio.gather(*map(at.role, [bob] * 20)) == [Role.MEMBER] * 20
    assert at.questions == 3
    await asyncio.sleep(8 * DAY)
    assert await at.role_for_pause(bob) is Role.MEMBER, "an answer that is too old is none"


async def test_slack_is_not_asked_about_people_whose_request_names_another_company(at: RolesHarness) -> None:
    outsider = at.slack.outsider
    roles = [await at.role(outsider), await at.role_now(outsider), at.remembered(outsider)]
    assert (roles, at.questions) == ([Role.OUTSIDER] * 3, 0)


# --- a pause ---


async def test_a_pause_of_a_full_member_does_not_wait_for_slack_for_a_day(at: RolesHarness) -> None:
    for user, role in ((at.slack.bob, Role.MEMBER), (at.slack.alice, Role.ADMIN)):
        assert await at.role_for_pause(user) is role
        await asyncio.sleep(DAY - 1)
        at.slack.home.change_user(user, is_restricted=True)
        asked = at.questions
        assert [await at.role_for_pause(user) for _ in range(3)] == [role] * 3
        assert at.questions == asked
        await until(lambda: at.remembered(user) is Role.RESTRICTED)  # noqa: B023 - awaited here
        assert await at.role_for_pause(user) is Role.RESTRICTED
        assert at.questions == asked + 1
        at.slack.home.change_user(user, is_restricted=False, deleted=True)
        await asyncio.sleep(DAY)
        assert await at.role_for_pause(user) is Role.RESTRICTED


async def test_a_resume_needs_an_answer_of_the_last_five_minutes(at: RolesHarness) -> None:
    bob = at.slack.bob
    assert await at.role_for_resume(bob) is Role.MEMBER
    at.fail(server_error())
    await asyncio.sleep(299)
    assert (await at.role_for_resume(bob), at.questions) == (Role.MEMBER, 1)
    await asyncio.sleep(1)
    assert await at.role_for_resume(bob) is Role.UNKNOWN
    assert await at.role_for_pause(bob) is Role.MEMBER
    assert await at.role_for_resume(bob) is Role.UNKNOWN, "a role that counted for a pause"
    at.fail(None)
    assert await at.role_for_resume(bob) is Role.MEMBER


# --- after a restart ---


async def test_after_a_restart_a_pause_of_a_full_member_waits_for_nothing(at: RolesHarness) -> None:
    everybody = [at.slack.bob, at.slack.alice, at.slack.guest]
    for user in everybody:
        await at.role(user)

    async def are_stored() -> bool:
        return len(await at.stored()) == len(everybody)

    await until(are_stored)  # a restart cancels what is being stored
    await at.restart()
    at.fail(Hang())
    assert await asyncio.gather(*[at.role_for_pause(at.slack.bob) for _ in range(5)]) == [Role.MEMBER] * 5
    at.fail(server_error())
    await at.restart()
    at.rows.seconds = 3.0  # longer than Slack fails
    assert await at.role_for_pause(at.slack.bob) is Role.MEMBER
    at.rows.seconds = 0.0
    for days, known in ((6.9, [Role.MEMBER, Role.ADMIN, Role.RESTRICTED]), (0.2, [Role.UNKNOWN] * 3)):
        await at.restart()
        await asyncio.sleep(days * DAY)
        for _ in range(2):
            assert [await at.role_for_pause(user) for user in everybody] == known
            assert [await at.role_for_resume(user) for user in everybody] == [Role.UNKNOWN] * 3
    await at.restart()
    at.rows.seconds = 60.0
    at.fail(None)
    began = time.monotonic()
    assert await at.role_for_pause(at.slack.bob) is Role.MEMBER
    assert time.monotonic() - began < 20


Ask = Callable[[User | str], Awaitable[permissions.Profile | None]]
"""Ask Slack who somebody is."""


@pytest.fixture
async def slack() -> AsyncIterator[SimSlack]:
    async with SimSlack() as slack:
        yield slack
        assert slack.violations == []


@pytest.fixture
async def profile(slack: SimSlack) -> AsyncIterator[Ask]:
    async with web_client(slack) as web:
        token = Secret(slack.bot_token)
        yield lambda user: fetch_profile(web, token, user if isinstance(user, str) else user.id)


MEMBER = Profile(TEAM, has_roles=True)


async def test_on_a_grid_slack_names_the_organisation_and_its_workspaces(slack: SimSlack, profile: Ask) -> None:
    slack.home.enterprise, other = Enterprise("E0GRID00001", "Grid"), Enterprise("E0OTHER0001", "Other")
    slack.home.change_user(slack.bob, is_org_admin=True)  # the organisation's admins need not be this one's
    assert await profile(slack.bob) == Profile(TEAM, "E0GRID00001", frozenset({TEAM}), has_roles=True)
    slack.add_workspace(Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"), other))
    assert await profile(slack.outsider) == Profile("T0PARTNER01", other.id, frozenset({"T0PARTNER01"}))


async def test_each_flag_of_slack_alone_makes_somebody_an_admin_or_restricted(slack: SimSlack, profile: Ask) -> None:
    restricted = ["is_restricted", "is_ultra_restricted", "is_bot", "deleted"]
    for flag in ["is_admin", "is_owner", "is_primary_owner", *restricted]:
        slack.faults["users.info"] = user_info(team_id=TEAM, **{flag: True})
        found = await profile(slack.bob) or MEMBER
        assert (found.is_admin, found.is_restricted) == (flag not in restricted, flag in restricted)


async def test_a_field_of_another_shape_makes_nobody_an_admin(slack: SimSlack, profile: Ask) -> None:
    odd_values: list[object] = [None, 5, ["x"]]
    for name in ("enterprise_user", "team_id", "is_restricted", "is_bot", "is_admin", "deleted", "is_stranger"):
        for odd in odd_values:
            slack.faults["users.info"] = user_info(**{"team_id": TEAM, name: odd})
            assert await profile(slack.bob) == Profile("" if name == "team_id" else TEAM)
    for odd in ("T0HOME00001", [5, None, ["T0HOME00001"]]):
        slack.faults["users.info"] = user_info(team_id="T1", enterprise_user={"enterprise_id": 7, "teams": odd})
        assert await profile(slack.bob) == Profile("T1")
