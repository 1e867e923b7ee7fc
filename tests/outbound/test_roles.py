"""What people are is remembered for a while: how often Slack is asked, and what counts while it says nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from bot.core.policy import Role
from bot.core.requests import Asker
from bot.core.secret import Secret
from bot.outbound.http_client import open_session
from bot.outbound.roles import Roles
from bot.outbound.slack_people import SlackPeople
from bot.outbound.slack_web import open_web
from bot.sim.slack import (
    Drip,
    Fault,
    Hang,
    SimSlack,
    Slow,
    User,
    api_error,
    server_error,
)
from harness.slack_faults import NO_ANSWER
from outbound.store.watched import Time

pytestmark = pytest.mark.anyio

TEAM = "T0HOME00001"


@dataclass(frozen=True, slots=True)
class Site:
    slack: SimSlack
    roles: Roles
    clock: Time

    async def of(self, user: User, **changes: str) -> Role:
        return await self.roles.of(Secret(self.slack.bot_token), asker(user, **changes))

    async def now(self, user: User, **changes: str) -> Role:
        return await self.roles.now(Secret(self.slack.bot_token), asker(user, **changes))

    def remembered(self, user: User, **changes: str) -> Role:
        return self.roles.remembered(asker(user, **changes))

    @property
    def questions(self) -> int:
        return [call.method for call in self.slack.api_calls].count("users.info")

    async def asked(self, count: int) -> None:
        await self.slack.until(lambda: self.questions == count)


def asker(user: User, **changes: str) -> Asker:
    return replace(Asker(TEAM, "C0ALERTS001", user.id, own_team_id=TEAM), **changes)


@pytest.fixture
async def slack() -> AsyncIterator[SimSlack]:
    async with SimSlack() as slack:
        yield slack
        assert slack.violations == []


@pytest.fixture
async def site(slack: SimSlack) -> AsyncIterator[Site]:
    async with open_session() as session:
        clock = Time()
        roles = Roles(SlackPeople(open_web(session, slack.url)), clock, most=3)
        yield Site(slack, roles, clock)
        await roles.close()


async def test_somebody_is_asked_about_once_in_five_minutes(site: Site) -> None:
    assert await site.of(site.slack.bob) is Role.MEMBER
    site.slack.home.change_user(site.slack.bob, is_restricted=True)
    site.clock.now += 299.9
    assert await site.of(site.slack.bob) is Role.MEMBER
    assert site.questions == 1
    site.clock.now += 0.1
    assert await site.of(site.slack.bob) is Role.GUEST
    assert site.questions == 2


async def test_whoever_became_a_member_is_one_after_five_minutes(site: Site) -> None:
    newcomer = site.slack.home.add_user("U0NEWCOMER1", "new", team_id="T0PARTNER01")
    assert await site.of(newcomer) is Role.OUTSIDER
    site.slack.home.change_user(newcomer, team_id=TEAM)
    site.clock.now += 300
    assert await site.of(newcomer) is Role.MEMBER


async def test_many_at_once_are_one_question(site: Site) -> None:
    site.slack.faults["users.info"] = Slow(0.6)
    bob, alice = site.slack.bob, site.slack.alice
    roles = await asyncio.gather(*[site.of(user) for user in [bob, alice] * 20])
    assert roles == [Role.MEMBER, Role.ADMIN] * 20
    assert site.questions == 2


async def test_many_at_once_after_five_minutes_are_one_question_as_well(site: Site) -> None:
    await site.of(site.slack.bob)
    site.clock.now += 300
    site.slack.faults["users.info"] = Slow(0.6)
    assert await asyncio.gather(*[site.of(site.slack.bob) for _ in range(20)]) == [Role.MEMBER] * 20
    assert site.questions == 2


async def test_of_surely_outsiders_slack_is_not_asked(site: Site) -> None:
    outsider = site.slack.outsider
    assert await site.of(outsider, own_team_id="T0PARTNER01") is Role.OUTSIDER
    assert await site.now(outsider, own_team_id="T0PARTNER01") is Role.OUTSIDER
    assert site.remembered(outsider, own_team_id="T0PARTNER01") is Role.OUTSIDER
    assert site.questions == 0


async def test_where_slack_names_no_team_of_somebody_it_is_asked(site: Site) -> None:
    assert await site.of(site.slack.bob, own_team_id="") is Role.MEMBER
    assert await site.of(site.slack.outsider, own_team_id="") is Role.OUTSIDER
    assert site.questions == 2


async def test_one_answer_is_read_for_each_who_asks(site: Site) -> None:
    """The same person, by a request that names the organisation and by one that does not."""
    site.slack.home.add_user("U0COLLEAG01", "carla", team_id="T0SISTER001")
    carla = site.slack.home.users["U0COLLEAG01"]
    assert await site.of(carla) is Role.OUTSIDER
    assert await site.of(carla, enterprise_id="E0GRID00001") is Role.OUTSIDER
    assert site.questions == 1


async def test_another_workspace_is_another_question(site: Site) -> None:
    assert await site.of(site.slack.bob) is Role.MEMBER
    assert await site.of(site.slack.bob, team_id="T0OTHER0001", own_team_id="T0OTHER0001") is Role.OUTSIDER
    assert site.questions == 2


async def test_those_who_were_asked_about_longest_ago_are_forgotten(site: Site) -> None:
    everybody = [site.slack.alice, site.slack.bob, site.slack.carol, site.slack.guest]
    for user in everybody:
        await site.of(user)
    known = [site.remembered(user) for user in everybody]
    assert known == [Role.UNKNOWN, Role.MEMBER, Role.ADMIN, Role.GUEST]
    site.clock.now += 300
    await site.of(site.slack.bob)
    await site.of(site.slack.alice)
    site.slack.faults["users.info"] = server_error()
    assert await site.of(site.slack.bob) is Role.MEMBER
    assert await site.of(site.slack.carol) is Role.UNKNOWN


# --- while Slack says nothing ---


@pytest.mark.parametrize("fault", NO_ANSWER, ids=repr)
async def test_what_was_said_last_counts_while_slack_is_away(
    site: Site, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    bob, guest = site.slack.bob, site.slack.guest
    assert [await site.of(bob), await site.of(guest)] == [Role.MEMBER, Role.GUEST]
    site.clock.now += 86_400
    site.slack.faults["users.info"] = fault
    assert [await site.of(bob), await site.of(guest), await site.of(site.slack.alice)] == [
        *(Role.MEMBER, Role.GUEST, Role.UNKNOWN)
    ]
    records = [record for record in caplog.records if record.message == "Slack does not say who somebody is"]
    assert [vars(record)["user"] for record in records] == [user.id for user in (bob, guest, site.slack.alice)]
    assert {vars(record)["team"] for record in records} == {TEAM}
    assert site.slack.bot_token not in caplog.text


async def test_the_log_says_why_in_slacks_word(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.slack.faults["users.info"] = api_error("token_revoked")
    await site.of(site.slack.bob)
    assert [vars(record)["why"] for record in caplog.records] == ["token_revoked"]


async def test_a_slack_that_is_away_is_not_asked_for_each_request(site: Site) -> None:
    await site.of(site.slack.bob)
    site.clock.now += 300
    site.slack.faults["users.info"] = server_error()
    for _ in range(3):
        assert await site.of(site.slack.bob) is Role.MEMBER
    assert site.questions == 2
    site.clock.now += 4.9
    await site.of(site.slack.bob)
    assert site.questions == 2
    site.clock.now += 0.1
    site.slack.faults["users.info"] = None
    site.slack.home.change_user(site.slack.bob, is_restricted=True)
    assert await site.of(site.slack.bob) is Role.GUEST
    assert site.questions == 3


async def test_whoever_is_known_waits_no_longer_than_that(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    await site.of(site.slack.bob)
    site.clock.now += 300
    site.slack.faults["users.info"] = Hang()
    began = time.monotonic()
    assert await site.of(site.slack.bob) is Role.MEMBER
    assert 0.9 < time.monotonic() - began < 2
    assert [vars(record)["why"] for record in caplog.records] == ["no answer yet"]


async def test_an_answer_that_came_too_late_counts_from_then_on(site: Site) -> None:
    await site.of(site.slack.bob)
    site.clock.now += 300
    site.slack.home.change_user(site.slack.bob, is_restricted=True)
    site.slack.faults["users.info"] = Slow(1.4)
    assert await site.of(site.slack.bob) is Role.MEMBER
    await asyncio.sleep(0.8)
    assert await site.of(site.slack.bob) is Role.GUEST
    assert site.questions == 2


async def test_whoever_was_never_seen_waits_until_slack_has_said_it(site: Site) -> None:
    site.slack.faults["users.info"] = Slow(1.5)
    assert await site.of(site.slack.bob) is Role.MEMBER


async def test_where_slack_is_away_for_one_who_was_never_seen_it_is_asked_again_at_once(site: Site) -> None:
    site.slack.faults["users.info"] = server_error(times=1)
    assert await site.of(site.slack.bob) is Role.UNKNOWN
    assert await site.of(site.slack.bob) is Role.MEMBER


# --- now ---


async def test_now_is_asked_anew_and_remembered(site: Site) -> None:
    assert await site.of(site.slack.alice) is Role.ADMIN
    site.slack.home.change_user(site.slack.alice, is_admin=False)
    assert await site.now(site.slack.alice) is Role.MEMBER
    assert await site.of(site.slack.alice) is Role.MEMBER
    assert site.remembered(site.slack.alice) is Role.MEMBER
    assert site.questions == 2


async def test_now_nothing_counts_that_was_said_before(site: Site) -> None:
    await site.of(site.slack.alice)
    site.slack.faults["users.info"] = server_error()
    assert await site.now(site.slack.alice) is Role.UNKNOWN
    assert await site.of(site.slack.alice) is Role.ADMIN


async def test_an_older_answer_does_not_replace_a_newer_one(site: Site) -> None:
    site.slack.faults["users.info"] = Drip(bytes_per_second=1000, times=1)  # begins at once, and ends late
    older = asyncio.create_task(site.of(site.slack.alice))
    await site.asked(1)
    site.slack.home.change_user(site.slack.alice, is_admin=False)
    assert await site.now(site.slack.alice) is Role.MEMBER
    assert not older.done()
    assert await older is Role.ADMIN
    assert await site.of(site.slack.alice) is Role.MEMBER
    assert site.questions == 2


@pytest.mark.parametrize("fault", [server_error(), Hang()], ids=["Slack fails", "Slack hangs"])
async def test_an_answer_counts_also_where_a_later_question_gets_none(site: Site, fault: Fault) -> None:
    site.slack.faults["users.info"] = Slow(1.0)
    first = asyncio.create_task(site.of(site.slack.alice))
    await site.asked(1)
    site.slack.faults["users.info"] = fault
    later = asyncio.create_task(site.now(site.slack.alice))
    assert await first is Role.ADMIN
    assert site.remembered(site.slack.alice) is Role.ADMIN
    assert await later is Role.UNKNOWN
    assert await site.of(site.slack.alice) is Role.ADMIN


async def test_an_older_question_that_fails_leaves_the_newer_one_alone(site: Site) -> None:
    site.slack.faults["users.info"] = Hang(times=1)
    older = asyncio.create_task(site.of(site.slack.alice))
    await site.asked(1)
    assert await site.now(site.slack.alice) is Role.ADMIN
    assert await older is Role.ADMIN  # by what was said meanwhile, which is as good as before
    site.clock.now += 299
    assert site.remembered(site.slack.alice) is Role.ADMIN


async def test_what_is_remembered_is_so_for_five_minutes(site: Site) -> None:
    assert site.remembered(site.slack.alice) is Role.UNKNOWN
    await site.of(site.slack.alice)
    assert site.remembered(site.slack.alice) is Role.ADMIN
    site.clock.now += 300
    assert site.remembered(site.slack.alice) is Role.UNKNOWN


# --- an app that may not ask ---


async def test_without_the_scope_it_is_asked_again_after_half_a_minute(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.slack.home.installation.scopes.discard("users:read")
    assert [await site.of(site.slack.bob) for _ in range(3)] == [Role.UNREADABLE] * 3
    assert await site.now(site.slack.bob) is Role.UNREADABLE
    assert site.questions == 2
    assert [(record.levelname, vars(record)["team"]) for record in caplog.records] == [("WARNING", TEAM)] * 2
    site.slack.home.installation.scopes.add("users:read")
    site.clock.now += 29.9
    assert await site.of(site.slack.bob) is Role.UNREADABLE
    site.clock.now += 0.1
    assert await site.of(site.slack.bob) is Role.MEMBER


# --- the end ---


async def test_who_waits_when_the_bot_stops_is_told_what_is_known(site: Site) -> None:
    await site.of(site.slack.bob)
    site.clock.now += 300
    site.slack.faults["users.info"] = Hang()
    waiting = [asyncio.create_task(role) for role in (site.of(site.slack.bob), site.of(site.slack.alice))]
    waiting.append(asyncio.create_task(site.now(site.slack.carol)))
    await site.asked(4)
    await site.roles.close()
    assert await asyncio.gather(*waiting) == [Role.MEMBER, Role.UNKNOWN, Role.UNKNOWN]
