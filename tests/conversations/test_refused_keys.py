"""Anchor refuses a workspace's key: who is notified, how often, and what the bot remembers about the key."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from bot.sim.anchor import Slow, unauthorized
from bot.sim.slack import User
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    HTTP_ONLY,
    AdminHarness,
    Conversation,
    ManyHarness,
    Tenant,
    many_workspaces,
    outcome_text,
    single_workspace,
)
from harness.admin_texts import settings_texts
from harness.administration import another_bot
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


@pytest.mark.parametrize("read", ["a list", "behind an order", "of a card"])
async def test_a_refused_list_is_noticed_once_while_orders_are_accepted(
    read: str, team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    team.anchor.add_key(team.key)
    team.anchor.read_fault = unauthorized()
    if read == "of a card":
        await team.at.take_alerts(team, "s3cret-of-the-alerts")
        assert (
            await team.at.post_alert(team.team_id, "s3cret-of-the-alerts", session_id=team.session, text="It spends.")
        )[0] == 200
        await asyncio.sleep(75.0)
    for _ in range(2):
        if read != "of a card":
            await team.command("" if read == "a list" else team.session)
        await asyncio.sleep(2.0)
    await team.notices_are({"setter": [notice(team.key)]})
    assert "Anchor refuses the key" in caplog.text


@BOTH_TRANSPORTS
async def test_the_person_who_set_the_key_is_notified_once_however_many_orders_there_are(team: Team) -> None:
    team.anchor.fault = Slow(0.5)
    await asyncio.gather(*[team.order(by) for by in BY_BOTH for _ in range(5)])
    await team.slack.until(lambda: len(team.answers()) == 10)
    assert {message.text for message in team.answers()} == {refusal(team, by_admins=True)}
    await team.answer("a command", team.setter)
    await team.notices_are({"setter": [notice(team.key)], team.person.name: []}, team.setter, team.person)
    assert await team.check() is REFUSED


@HTTP_ONLY
@pytest.mark.parametrize(("verb", "used"), [("pause", {OLD, NEW}), ("list", {OLD, NEW}), ("resume", {NEW})])
async def test_a_key_that_was_replaced_at_another_process_a_moment_ago_warns_nobody(
    verb: str, used: set[str], postgresql_urls: Iterator[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with many_workspaces(next(postgresql_urls)) as at, another_bot(at) as other:
        team, here = await AdminHarness.open(at, with_key=True), at.slack.request_url
        await team.open_home()
        at.anchor.add_key(NEW)
        session = at.anchor.add_session(key=NEW)
        await team.answer("a command")
        await asyncio.sleep(6.0)  # until the check of the key is recorded, and the list of Home is old
        at.slack.request_url = other
        await team.open_modal("anchor_set_key")
        at.slack.request_url = here
        await team.answer("a command")
        at.slack.request_url = other
        await team.submit({"key": NEW})
        at.slack.request_url = here
        at.anchor.revoke(team.key)
        at.anchor.requests.clear()
        told = await (team.command("") if verb == "list" else team.command(session, verb=verb))
        assert told.ack
        assert session[:8] in told.ack.text
        requests = at.anchor.requests if verb == "list" else at.anchor.posts(session)
        assert {one.key for one in requests} == used
        await asyncio.sleep(1.0)
        assert not [one for one in team.direct_messages(team.admin) if one.text == notice(team.key)]
        assert "Anchor refuses the key" not in caplog.text
        found = await at.store.rows.find(team.team_id)
        assert found and found.anchor_key  # noqa: PT018 - for mypy
        assert found.anchor_key.check is VERIFIED
