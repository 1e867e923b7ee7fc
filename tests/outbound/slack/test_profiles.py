"""People as Slack describes them, and answers of Slack that describe nobody."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.outbound.slack.roles import fetch_profile
from bot.sim.slack import (
    Answer,
    Enterprise,
    Hang,
    Installation,
    ResetAfterReading,
    SimSlack,
    User,
    Workspace,
    api_error,
    rate_limited,
    server_error,
)
from harness.product import Secret, policy
from harness.roles import UNREACHABLE, user_info, web_client

pytestmark = pytest.mark.anyio

TEAM = "T0HOME00001"
Profile = policy.Profile
STRANGER = Profile("", is_stranger=True)

Ask = Callable[[User | str], Awaitable[policy.Profile | None]]
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


async def test_an_answer_that_describes_nobody_is_a_failure(slack: SimSlack, profile: Ask) -> None:
    for fault, why in (
        (ResetAfterReading(), ""),
        (server_error(), "HTTP 500"),
        (rate_limited(30), "ratelimited"),
        (api_error("token_revoked"), "token_revoked"),
        (Answer(200, b"x", "application/gzip"), "JSON"),
        (Answer(200, b"[]"), ""),
        (Answer(200, b'{"ok":true,"user":[]}'), "user"),
        (Hang(), ""),
    ):
        slack.faults["users.info"], began = fault, time.monotonic()
        with pytest.raises(UNREACHABLE) as caught:
            await profile(slack.bob)
        assert why in str(caught.value)
        assert slack.bot_token not in str(caught.value)
        assert (time.monotonic() - began > 4.5) is isinstance(fault, Hang)


async def test_a_field_of_another_shape_makes_nobody_an_admin(slack: SimSlack, profile: Ask) -> None:
    odd_values: list[object] = [None, 5, ["x"]]
    for name in ("enterprise_user", "team_id", "is_restricted", "is_bot", "is_admin", "deleted", "is_stranger"):
        for odd in odd_values:
            slack.faults["users.info"] = user_info(**{"team_id": TEAM, name: odd})
            assert await profile(slack.bob) == Profile("" if name == "team_id" else TEAM)
    for odd in ("T0HOME00001", [5, None, ["T0HOME00001"]]):
        slack.faults["users.info"] = user_info(team_id="T1", enterprise_user={"enterprise_id": 7, "teams": odd})
        assert await profile(slack.bob) == Profile("T1")
