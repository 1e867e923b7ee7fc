"""Anchor no longer takes a workspace's key: who is told, how often, and what the bot remembers of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.app import running
from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.secret import Secret
from bot.settings import Settings
from bot.sim.anchor import SessionState, Slow, server_error, unauthorized
from bot.sim.local_server import free_port
from bot.sim.slack import User, api_error
from harness import BY_BOTH, SESSION, SingleHarness, single_workspace
from harness.conversation import direct_messages
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces

pytestmark = pytest.mark.anyio

IN_HOME = "in the Home tab of this app (in Slack's sidebar, under Apps)"
TOLD = (
    "⚠️ Anchor refuses this workspace's API key ending `{ending}`: nobody can pause or resume a session from Slack.\n"
    f"Replace it {IN_HOME}. You are told this once for each key."
)
NOT_KEPT = "what Anchor says of a key can't be kept"
IN_THE_SETTINGS = (
    "⚠️ Anchor refuses this workspace's API key ending `ings`: nobody can pause or resume a session from Slack.\n"
    "Whoever runs this bot must give it another one. You are told this once for each key."
)
VERIFIED, REFUSED, UNVERIFIED = KeyCheck.VERIFIED, KeyCheck.REFUSED, KeyCheck.UNVERIFIED


@pytest.fixture(params=BY_BOTH)
def by(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def at(database_url: str) -> AsyncIterator[ManyHarness]:
    async with many_workspaces(database_url) as at:
        yield at


async def with_key(at: ManyHarness, tenant: Tenant, key: str, *, set_by: User | None = None) -> None:
    """Give the workspace this key, as an admin of it does in Slack."""
    set_by_id = None if set_by is None else set_by.id
    made = AnchorKey(Secret(key), UNVERIFIED, set_by_id, 1_785_000_000)
    assert await at.store.installations.set_key(tenant.team_id, made)


async def check_of(at: ManyHarness, tenant: Tenant) -> KeyCheck | None:
    found = await at.store.installations.find(tenant.team_id)
    return found.anchor_key.check if found and found.anchor_key else None


async def becomes(at: ManyHarness, tenant: Tenant, check: KeyCheck) -> None:
    """Wait until the store says that of the key."""
    async with asyncio.timeout(5):
        while await check_of(at, tenant) is not check:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


async def gone(at: ManyHarness, tenant: Tenant) -> None:
    """Wait until nothing is kept of the workspace."""
    async with asyncio.timeout(5):
        while await at.store.installations.find(tenant.team_id):  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.01)


def told(at: ManyHarness, *users: User) -> dict[str, list[str]]:
    return direct_messages(at.slack, users)


async def settled(at: ManyHarness) -> None:
    """Wait until whoever is told was told, and nothing more comes."""
    await asyncio.sleep(0.5)
    assert at.bot.identification.done()


@asynccontextmanager
async def refused_soon(at: ManyHarness) -> AsyncIterator[tuple[Tenant, User]]:
    """A workspace whose key an admin has set, and that Anchor refuses from now on."""
    tenant = await at.set_up(at.add(1))
    setter = tenant.workspace.add_user("U0SETTER001", "setter", is_admin=True)
    tenant.channel.members.add(setter.id)
    await with_key(at, tenant, tenant.key, set_by=setter)
    at.anchor.revoke(tenant.key)
    yield tenant, setter


# --- the person who asked ---


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_in_one_of_many_they_are_told_who_can_replace_it_and_where(at: ManyHarness, by: str, verb: str) -> None:
    async with refused_soon(at) as (tenant, _):
        message = await tenant.answer(by, tenant.person, verb)
    assert message.text == (
        f"⚠️ *Not {verb}d*: session `{tenant.session}`, asked for by <@{tenant.person.id}>.\n"
        "Anchor refused this workspace's API key (401); nothing was done. It said: `Invalid API key`\n"
        f"An admin of this workspace can replace it {IN_HOME}. If it can't wait, do it in Anchor's dashboard."
    )


async def test_in_the_one_of_the_settings_it_is_whoever_runs_the_bot(by: str, caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        at.anchor.fault = unauthorized()
        message = await at.answer(by, at.slack.alice)
        await asyncio.sleep(0.2)
        assert direct_messages(at.slack, [at.slack.alice, at.slack.carol]) == {"alice": [], "carol": []}
    assert message.text == (
        f"⚠️ *Not paused*: session `{SESSION}`, asked for by <@U0ALICE0001>.\n"
        "Anchor refused this workspace's API key (401); nothing was done. It said: `Invalid API key`\n"
        "Whoever runs this bot must give it a valid key for this workspace. If it can't wait, do it in Anchor's "
        "dashboard."
    )
    (error,) = [record for record in caplog.records if record.message == "nobody could be told"]
    assert (vars(error)["team"], vars(error)["about"]) == ("T0HOME00001", "key 0 refused")


async def test_in_the_one_of_the_settings_an_admin_who_knows_the_home_tab_is_told_once(by: str) -> None:
    async with single_workspace(ANCHOR_API_KEY="sk-anchor-of-the-settings") as at:
        for user in (at.slack.bob, at.slack.carol, at.slack.alice):
            await open_home(at, user)
        for _ in range(3):
            await at.answer(by, at.slack.bob)
        await asyncio.sleep(0.3)
        assert direct_messages(at.slack, [at.slack.alice, at.slack.bob, at.slack.carol]) == {
            "alice": [IN_THE_SETTINGS],
            "bob": [],
            "carol": [],
        }


async def open_home(at: SingleHarness, user: User) -> None:
    await at.slack.open_home(user)
    await at.slack.until(lambda: at.slack.home_of(user))


# --- whoever can mend it ---


async def test_whoever_set_the_key_is_told_once_however_many_ask(at: ManyHarness, by: str) -> None:
    async with refused_soon(at) as (tenant, setter):
        at.anchor.fault = Slow(0.8)
        await asyncio.gather(*[tenant.order(by, tenant.person) for _ in range(10)])
        await at.slack.until(lambda: len(tenant.answers(tenant.person)) == 10)
        await tenant.answer(by, setter)
        await settled(at)
        assert told(at, setter, tenant.person) == {
            "setter": [TOLD.format(ending=tenant.key[-4:])],
            tenant.person.name: [],
        }
        assert await check_of(at, tenant) is REFUSED


async def test_two_bots_on_one_database_tell_them_once_between_them(at: ManyHarness, by: str) -> None:
    environ = at.environ | {"PORT": str(free_port())}
    async with refused_soon(at) as (tenant, setter), running(Settings.from_env(environ)) as second:
        await second.identification
        urls = [at.slack.request_url, None if at.slack.socket_mode else f"{second.url}/slack/events"]
        async with asyncio.TaskGroup() as together:
            for number in range(6):
                at.slack.request_url = urls[number % 2]
                together.create_task(tenant.order(by, tenant.person))
                await asyncio.sleep(0)  # so that it is sent there
        await at.slack.until(lambda: len(tenant.answers(tenant.person)) == 6)
        await settled(at)
        assert told(at, setter) == {"setter": [TOLD.format(ending=tenant.key[-4:])]}


@pytest.mark.parametrize(
    "changes",
    [{"deleted": True}, {"team_id": "T0PARTNER01"}],
    ids=["deactivated", "of another company"],
)
async def test_where_they_have_left_an_admin_who_is_known_is_told(at: ManyHarness, changes: dict[str, Any]) -> None:
    async with refused_soon(at) as (tenant, setter):
        for seen_at, user_id, name in (
            (1_785_000_000, "U0ADMIN0001", "admin"),
            (1_785_000_300, "U0DEMOTED01", "demoted"),
        ):
            tenant.workspace.add_user(user_id, name, is_admin=name == "admin")
            await at.store.admins.note(tenant.team_id, user_id, seen_at)
        await at.store.admins.note(tenant.team_id, setter.id, 1_785_000_500)
        tenant.workspace.change_user(setter, **changes)
        await tenant.answer("a command", tenant.person)
        await settled(at)
        users = tenant.workspace.users
        assert told(at, *(users[user_id] for user_id in (setter.id, "U0ADMIN0001", "U0DEMOTED01"))) == {
            "setter": [],
            "admin": [TOLD.format(ending=tenant.key[-4:])],
            "demoted": [],
        }


async def test_where_nobody_set_it_in_slack_an_admin_who_has_opened_the_home_tab_is_told(
    at: ManyHarness, by: str
) -> None:
    tenant = await at.set_up(at.add(1))
    await at.slack.open_home(tenant.person, tenant.workspace)
    await at.slack.until(lambda: at.slack.home_of(tenant.person, tenant.workspace))
    at.anchor.revoke(tenant.key)
    for _ in range(2):
        await tenant.answer(by, tenant.person)
    await settled(at)
    assert told(at, tenant.person) == {tenant.person.name: [TOLD.format(ending=tenant.key[-4:])]}


async def test_where_slack_takes_no_message_for_anybody_the_log_says_so(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async with refused_soon(at) as (tenant, setter):
        for user in (setter, tenant.person):
            await at.store.admins.note(tenant.team_id, user.id, 1_785_000_000)
        at.slack.faults["chat.postMessage"] = api_error("messages_tab_disabled")
        await tenant.answer("a command", tenant.person)
        await settled(at)
    tried = [vars(one)["user"] for one in caplog.records if one.message == "a direct message could not be sent"]
    assert tried == [setter.id, tenant.person.id]
    (error,) = [one for one in caplog.records if one.message == "nobody could be told"]
    assert vars(error)["team"] == tenant.team_id
    assert tenant.key not in caplog.text
    assert tenant.workspace.installation.bot_token not in caplog.text


async def test_another_key_that_is_refused_is_told_again(at: ManyHarness, by: str) -> None:
    async with refused_soon(at) as (tenant, setter):
        await tenant.answer(by, tenant.person)
        await becomes(at, tenant, REFUSED)
        at.anchor.add_key("sk-the-second-key")
        await with_key(at, tenant, "sk-the-second-key", set_by=setter)
        await tenant.answer(by, tenant.person)  # which is not that key's session: Anchor takes the key, and says 404
        await becomes(at, tenant, VERIFIED)
        at.anchor.revoke("sk-the-second-key")
        await tenant.answer(by, tenant.person)
        await becomes(at, tenant, REFUSED)
        await settled(at)
        assert told(at, setter) == {"setter": [TOLD.format(ending=key[-4:]) for key in (tenant.key, "…-key")]}


async def test_whoever_set_the_key_after_the_app_came_again_is_told_as_well(at: ManyHarness) -> None:
    async with refused_soon(at) as (tenant, setter):
        await tenant.answer("a command", tenant.person)
        await settled(at)
        await at.slack.uninstall(tenant.workspace)
        await gone(at, tenant)
        assert (await at.install(tenant)).status == 200
        for key in ("sk-mistyped", "sk-of-the-new-installation"):  # as many as before
            await with_key(at, tenant, key, set_by=setter)
        await tenant.answer("a command", tenant.person)
        await settled(at)
        assert told(at, setter) == {"setter": [TOLD.format(ending=end) for end in (tenant.key[-4:], "tion")]}


async def test_of_a_key_that_was_replaced_meanwhile_nobody_is_told(at: ManyHarness) -> None:
    async with refused_soon(at) as (tenant, setter):
        at.anchor.fault = Slow(1.2)
        await tenant.order("a click", tenant.person)
        await at.anchor.until(lambda: tenant.orders)
        await with_key(at, tenant, "sk-the-second-key", set_by=setter)
        await at.slack.until(lambda: tenant.answers(tenant.person))
        await settled(at)
        assert "Anchor refused this workspace's API key" in tenant.answers(tenant.person)[-1].text
        assert told(at, setter) == {"setter": []}
        assert await check_of(at, tenant) is UNVERIFIED


async def test_of_a_key_that_is_good_again_and_then_refused_again_nothing_more_is_told(at: ManyHarness) -> None:
    async with refused_soon(at) as (tenant, setter):
        for check in (REFUSED, VERIFIED, REFUSED):
            (at.anchor.revoke if check is REFUSED else at.anchor.add_key)(tenant.key)
            await tenant.answer("a command", tenant.person)
            await becomes(at, tenant, check)
        await settled(at)
        assert told(at, setter) == {"setter": [TOLD.format(ending=tenant.key[-4:])]}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_while_the_database_is_away_nothing_is_kept_and_then_it_is(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    async with refused_soon(at) as (tenant, setter):
        at.anchor.add_key(tenant.key)
        await tenant.answer("a command", tenant.person)  # so that the bot knows the workspace
        await becomes(at, tenant, VERIFIED)
        await tenant.answer("a command", tenant.person)
        at.anchor.revoke(tenant.key)
        await at.rename_table("workspaces", "elsewhere")
        assert "Anchor refused this workspace's API key (401)" in (await tenant.answer("a command", tenant.person)).text
        await settled(at)
        await at.rename_table("elsewhere", "workspaces")
        assert told(at, setter) == {"setter": []}
        assert [vars(one)["team"] for one in caplog.records if one.message == NOT_KEPT] == [tenant.team_id]
        await tenant.answer("a command", tenant.person)
        await becomes(at, tenant, REFUSED)
        await settled(at)
        assert told(at, setter) == {"setter": [TOLD.format(ending=tenant.key[-4:])]}
    assert tenant.key not in caplog.text


# --- what is remembered ---


@pytest.mark.parametrize("state", [SessionState.RUNNING, SessionState.ENDED, None], ids=["200", "400", "404"])
async def test_a_key_that_anchor_takes_is_verified_by_its_use(
    at: ManyHarness, by: str, state: SessionState | None
) -> None:
    tenant = await at.set_up(at.add(1))
    if state is None:
        tenant = replace(tenant, session=SESSION)
    else:
        at.anchor.session(tenant.session).state = state
    assert await check_of(at, tenant) is UNVERIFIED
    await tenant.answer(by, tenant.person)
    await becomes(at, tenant, VERIFIED)


async def test_an_answer_that_says_nothing_of_the_key_changes_nothing(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    at.anchor.fault = server_error()
    message = await tenant.answer("a command", tenant.person)
    await settled(at)
    assert "Anchor answered that it failed (500)" in message.text
    assert await check_of(at, tenant) is UNVERIFIED


async def test_one_workspaces_key_says_nothing_of_anothers(at: ManyHarness) -> None:
    other = await at.set_up(at.add(2))
    async with refused_soon(at) as (tenant, setter):
        await tenant.answer("a command", tenant.person)
        await becomes(at, tenant, REFUSED)
        assert "*Paused*" in (await other.answer("a command", other.person)).text
        await becomes(at, other, VERIFIED)
        await settled(at)
        assert told(at, other.person, setter) == {
            other.person.name: [],
            "setter": [TOLD.format(ending=tenant.key[-4:])],
        }
