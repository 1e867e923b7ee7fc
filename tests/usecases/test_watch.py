"""The wait before people are notified again: a refused key and a missing scope are announced once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.messages.changes import key_refused_message, reinstall_message
from bot.core.outcomes import KeyRejected
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.http_client import open_client, open_session
from bot.outbound.present_admins import PresentAdmins
from bot.outbound.response_url import ResponseUrls
from bot.outbound.roles import Roles
from bot.outbound.slack import SlackClient
from bot.outbound.slack_people import SlackPeople
from bot.outbound.slack_web import open_web
from bot.outbound.teller import Teller
from bot.outbound.workspaces import SingleWorkspace, StoreError
from bot.sim.slack import SimSlack, api_error
from bot.tasks import Tasks
from bot.watch import Watch
from outbound.store.watched import Time

pytestmark = pytest.mark.anyio

TEAM = "T0HOME00001"


class Store(SingleWorkspace):
    """A store that does not say what was announced while it is `away`."""

    away = False

    async def is_first(self, team_id: str, name: str) -> bool:
        if self.away:
            raise StoreError("away")
        return await super().is_first(team_id, name)


@dataclass(frozen=True, slots=True)
class Scene:
    """A workspace whose key Alice has set, and whose app Carol has installed."""

    slack: SimSlack
    store: Store
    clock: Time
    watch: Watch
    tasks: Tasks

    async def happen(self, event: str) -> list[str]:
        """Let Anchor refuse the key, or Slack the scope, and return the direct messages to Alice or to Carol."""
        workspace = await self.store.find(TEAM)
        assert workspace
        if event == "refused key":
            self.watch.used(workspace, KeyRejected(401, ""))
        else:
            self.watch.unreadable(workspace)
        assert await self.tasks.settle(within=5)
        person = self.slack.alice if event == "refused key" else self.slack.carol
        return [message.text for message in self.slack.channel_messages(self.slack.home.dm_with_bot(person))]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with SimSlack() as slack, open_session() as session, open_client(session) as http:
        key = AnchorKey(Secret("sk-first-0123456789-1234"), KeyCheck.VERIFIED, slack.alice.id)
        workspace = Workspace(TEAM, Secret(slack.bot_token), key, installed_by=slack.carol.id, is_managed=True)
        store, clock, tasks, web = Store(workspace), Time(), Tasks(), open_web(session, slack.url)
        roles = Roles(SlackPeople(web), clock)
        teller = Teller(ResponseUrls(http, api_url=slack.url), SlackClient(web), store)
        yield Scene(slack, store, clock, Watch(store, PresentAdmins(store, roles), teller, tasks, clock), tasks)
        await roles.close()


def text_about(event: str) -> str:
    key = AnchorKey(Secret("sk-first-0123456789-1234"))
    return (key_refused_message(key, by_admins=True) if event == "refused key" else reinstall_message()).text


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
    """The key counts as refused by then: a bot that was stopped before it had told anybody finds the same."""
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
