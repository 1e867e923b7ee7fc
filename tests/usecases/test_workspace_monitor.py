"""The wait before people are notified again: a refused key and a missing scope are announced once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from bot.concurrency import Tasks
from bot.core.outcomes import KeyRejected, Paused
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.messages.admin_notices import key_refused_message, reinstall_message
from bot.outbound.http_client import open_session, transport_over
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.errors import open_web
from bot.outbound.slack.profiles import ProfileCache
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import open_store
from bot.outbound.workspaces import SingleWorkspace
from bot.sim.slack import SimSlack, api_error
from bot.usecases.admin_notifier import CurrentAdmins
from bot.usecases.message_delivery import MessageDelivery
from bot.usecases.workspace_monitor import WorkspaceMonitor
from harness.databases import KEY
from harness.stored import Time

pytestmark = pytest.mark.anyio

TEAM = "T0HOME00001"


class Store(SingleWorkspace):
    """A store that does not say what was announced while it is `away`, and counts the checks that it saves at once."""

    away = False
    saving = most_saving = 0

    async def record_key_check(self, team_id: str, version: int, check: KeyCheck) -> None:
        self.saving += 1
        self.most_saving = max(self.saving, self.most_saving)
        await asyncio.sleep(0)
        await super().record_key_check(team_id, version, check)
        self.saving -= 1

    async def claim_notice(self, team_id: str, name: str) -> bool:
        if self.away:
            raise StoreError("away")
        return await super().claim_notice(team_id, name)


@dataclass(frozen=True, slots=True)
class Scene:
    """A workspace whose key Alice has set, and whose app Carol has installed."""

    slack: SimSlack
    store: Store
    clock: Time
    monitor: WorkspaceMonitor
    tasks: Tasks

    async def happen(self, event: str) -> list[str]:
        """Let Anchor refuse the key, or Slack the scope, and return the direct messages to Alice or to Carol."""
        workspace = await self.store.find(TEAM)
        assert workspace
        if event == "refused key":
            self.monitor.record_result(workspace, KeyRejected(401, ""))
        else:
            self.monitor.report_missing_scope(workspace)
        assert await self.tasks.settle(within=20)
        person = self.slack.alice if event == "refused key" else self.slack.carol
        return [message.text for message in self.slack.channel_messages(self.slack.home.dm_with_bot(person))]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with (
        SimSlack() as slack,
        open_session() as session,
        open_store(IN_MEMORY, [KEY]) as database,
    ):
        key = AnchorKey(Secret("sk-first-0123456789-1234"), KeyCheck.VERIFIED, slack.alice.id)
        workspace = Workspace(TEAM, Secret(slack.bot_token), key, installed_by=slack.carol.id, is_managed=True)
        store, clock, tasks, web = Store(workspace), Time(), Tasks(), open_web(session, slack.url)
        roles = RoleCache(ProfileCache(web, database.roles, clock, clock), clock)
        delivery = MessageDelivery(ResponseUrls(transport_over(session), api_url=slack.url), SlackClient(web), store)
        admins = CurrentAdmins(store, roles)
        monitor = WorkspaceMonitor(store, admins, delivery, tasks, clock, install_url=INSTALL_URL)
        yield Scene(slack, store, clock, monitor, tasks)
        await roles.close()


def text_about(event: str) -> str:
    key = AnchorKey(Secret("sk-first-0123456789-1234"))
    return (key_refused_message(key, by_admins=True) if event == "refused key" else reinstall_message(INSTALL_URL)).text


INSTALL_URL = "https://bot.example.com/slack/install"
BOTH_EVENTS = pytest.mark.parametrize("event", ["refused key", "missing scope"])


@BOTH_EVENTS
async def test_if_nobody_could_be_told_it_is_tried_again_after_ten_minutes_until_somebody_was(
    scene: Scene, event: str
) -> None:
    scene.slack.faults["chat.postMessage"] = api_error("messages_tab_disabled")
    assert await scene.happen(event) == []
    scene.slack.faults["chat.postMessage"] = None
    scene.clock.now += 599
    assert await scene.happen(event) == []
    scene.clock.now += 1
    assert await scene.happen(event) == [text_about(event)]
    scene.clock.now += 100_000
    assert await scene.happen(event) == [text_about(event)]


@BOTH_EVENTS
async def test_what_the_store_could_not_say_is_asked_again_at_once(scene: Scene, event: str) -> None:
    """The key counts as refused by then: a bot that was stopped before it had notified anybody finds the same."""
    scene.store.away = True
    assert await scene.happen(event) == []
    scene.store.away = False
    for _ in range(2):
        assert await scene.happen(event) == [text_about(event)]


async def test_a_setter_who_is_no_admin_any_more_is_told_once_if_there_is_no_other(scene: Scene) -> None:
    scene.slack.home.change_user(scene.slack.alice, is_admin=False)
    await scene.happen("refused key")
    scene.clock.now += 100_000
    assert await scene.happen("refused key") == [text_about("refused key")]


async def test_the_checks_of_many_new_keys_are_saved_one_after_another(scene: Scene) -> None:
    """A database that saves one at a time would else let the last ones wait until their timeouts."""
    workspace = await scene.store.find(TEAM)
    assert workspace
    for number in range(20):
        other = replace(workspace, team_id=f"T0NEW{number:06}", anchor_key=AnchorKey(Secret("sk-new")))
        scene.monitor.record_result(other, Paused())
    assert await scene.tasks.settle(within=20)
    assert scene.store.most_saving == 1
