"""Anchor refuses a workspace's key: who is notified, how often, and what the bot remembers about the key."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bot.sim.anchor import Slow, unauthorized
from bot.sim.slack import User
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    Conversation,
    ManyHarness,
    Tenant,
    outcome_text,
    single_workspace,
)
from harness.admin_texts import settings_texts
from harness.conversation import direct_messages, until
from harness.product import Secret, outcomes, workspace

pytestmark = pytest.mark.anyio

KeyCheck = workspace.KeyCheck
VERIFIED, REFUSED, UNVERIFIED = KeyCheck.VERIFIED, KeyCheck.REFUSED, KeyCheck.UNVERIFIED
OLD, NEW = "sk-of-tenant-1", "sk-the-second-key"


def notice(key: str, *, by_admins: bool = True) -> str:
    return settings_texts.key_refused_message(workspace.AnchorKey(Secret(key)), by_admins=by_admins).text


@dataclass(frozen=True, slots=True)
class Team(Tenant):
    """A workspace whose key `setter` has set, and that Anchor refuses from now on."""

    at: ManyHarness
    setter: User

    async def set_key(self, key: str) -> None:
        made = workspace.AnchorKey(Secret(key), UNVERIFIED, self.setter.id, 1_785_000_000)
        assert await self.at.store.rows.set_key(self.team_id, made)

    async def check(self) -> KeyCheck | None:
        found = await self.at.store.rows.find(self.team_id)
        return found.anchor_key.check if found and found.anchor_key else None

    async def use(self, *, check: KeyCheck = REFUSED) -> None:
        """Order a pause, and wait until the database has what Anchor says about the key."""
        await self.answer("a command")

        async def is_so() -> bool:
            return await self.check() is check

        await until(is_so)

    async def notices_are(self, expected: Mapping[str, list[str]], *users: User) -> None:
        """Wait until the setter, or these people, have these direct messages; no more may come."""
        people = users or [self.setter]
        await self.slack.until(lambda: direct_messages(self.slack, people) == expected)
        await asyncio.sleep(0.4)
        assert direct_messages(self.slack, people) == expected


@pytest.fixture
async def team(at: ManyHarness) -> Team:
    tenant = await at.set_up(at.add(1))
    setter = tenant.workspace.add_user("U0SETTER001", "setter", is_admin=True)
    tenant.channel.members.add(setter.id)
    inherited = {name: getattr(tenant, name) for name in ("slack", "anchor", "workspace", "person", "channel")}
    team = Team(**inherited, session=tenant.session, key=tenant.key, at=at, setter=setter)
    await team.set_key(team.key)
    at.anchor.revoke(team.key)
    return team


def of_monitor(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "bot.usecases.notices"]


def refusal(at: Conversation, *, by_admins: bool) -> str:
    outcome = outcomes.KeyRejected(401, "Invalid API key", by_admins=by_admins)
    return outcome_text(outcome, session=at.session, user=at.person.id)


async def test_in_a_single_workspace_an_admin_who_has_opened_home_is_notified_once_or_an_error_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with single_workspace(ANCHOR_API_KEY="sk-anchor-of-the-settings") as at:
        at.anchor.fault = unauthorized()
        assert (await at.answer("a command")).text == refusal(at, by_admins=False)
        await until(lambda: of_monitor(caplog))
        users = [at.slack.bob, at.slack.carol, at.slack.alice]
        for user in users:
            await at.open_home(user)
        await asyncio.sleep(601.0)  # until somebody is looked for again
        for by in (*BY_BOTH, "a command"):
            await at.answer(by, at.slack.bob)
        await at.wait_for_direct_messages()
        await asyncio.sleep(0.3)
        expected = notice("sk-anchor-of-the-settings", by_admins=False)
        assert direct_messages(at.slack, users) == {"alice": [expected], "bob": [], "carol": []}
    (error,) = of_monitor(caplog)
    assert (error.levelname, vars(error)["team"]) == ("ERROR", "T0HOME00001")


@BOTH_TRANSPORTS
async def test_the_person_who_set_the_key_is_notified_once_however_many_orders_there_are(team: Team) -> None:
    team.anchor.fault = Slow(0.5)
    await asyncio.gather(*[team.order(by) for by in BY_BOTH for _ in range(5)])
    await team.slack.until(lambda: len(team.answers()) == 10)
    assert {message.text for message in team.answers()} == {refusal(team, by_admins=True)}
    await team.answer("a command", team.setter)
    await team.notices_are({"setter": [notice(team.key)], team.person.name: []}, team.setter, team.person)
    assert await team.check() is REFUSED
