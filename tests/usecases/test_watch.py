"""Once told, and until then tried again: whoever can mend what is wrong with a workspace."""

from dataclasses import replace

import pytest

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.messages.message import Message
from bot.core.outcomes import KeyRejected
from bot.core.policy import Role
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.workspaces import SingleWorkspace, StoreError
from bot.tasks import Tasks
from bot.watch import Watch

pytestmark = pytest.mark.anyio

KEY = AnchorKey(Secret("sk-first-0123456789-1234"), KeyCheck.VERIFIED, set_by="U0SETTER001")
WORKSPACE = Workspace("T0HOME00001", Secret("xoxb-1"), KEY, installed_by="U0INSTALL01", is_managed=True)


class Admins:
    """`admins` are those who are one; `gone` have left."""

    def __init__(self) -> None:
        self.admins = ["U0SETTER001", "U0INSTALL01"]
        self.gone: set[str] = set()

    async def of(self, _: Workspace) -> list[str]:
        return list(self.admins)

    async def role(self, _: Workspace, user_id: str) -> Role:
        if user_id in self.gone:
            return Role.DEACTIVATED
        return Role.ADMIN if user_id in self.admins else Role.MEMBER


class Teller:
    """Slack takes messages while it is `up`."""

    def __init__(self) -> None:
        self.up = True
        self.told: list[str] = []

    async def write_to(self, _: str, user_id: str, message: Message) -> bool:
        if self.up:
            self.told.append(f"{user_id} {'key' if 'API key' in message.text else 'scope'}")
        return self.up


class Store(SingleWorkspace):
    """One whose notices can't be had while it is `away`."""

    away = False

    async def is_first(self, team_id: str, name: str) -> bool:
        if self.away:
            raise StoreError("away")
        return await super().is_first(team_id, name)


class Scene:
    """A workspace whose key Anchor refuses whenever it is used."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.admins, self.teller, self.tasks = Admins(), Teller(), Tasks()
        self.store = Store(WORKSPACE)
        self.watch = Watch(self.store, self.admins, self.teller, self.tasks, lambda: self.now)  # type: ignore[arg-type]

    async def refused(self, workspace: Workspace = WORKSPACE) -> list[str]:
        """Anchor refuses it once more; who has been told by then."""
        self.watch.used(workspace, KeyRejected(401, ""))
        assert await self.tasks.settle(within=5)
        return self.teller.told

    async def unreadable(self) -> list[str]:
        self.watch.unreadable(WORKSPACE)
        assert await self.tasks.settle(within=5)
        return self.teller.told


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("event", [Scene.refused, Scene.unreadable], ids=["refused", "unreadable"])
async def test_while_slack_takes_no_message_it_is_tried_every_ten_minutes_until_one_was_told(
    scene: Scene, event: object
) -> None:
    happen = event.__get__(scene)  # type: ignore[attr-defined]
    scene.teller.up = False
    assert await happen() == []
    scene.teller.up = True
    scene.now += 599
    assert await happen() == []
    scene.now += 1
    told = await happen()
    assert len(told) == 1
    scene.now += 100_000
    assert await happen() == told


async def test_what_is_refused_already_is_told_where_nobody_was(scene: Scene) -> None:
    """By a bot that was stopped, or while the notices could not be had."""
    scene.store.away = True
    assert await scene.refused() == []
    scene.store.away = False
    known = await scene.store.find("T0HOME00001")
    assert known
    assert known.anchor_key
    assert known.anchor_key.check is KeyCheck.REFUSED
    assert await scene.refused(known) == ["U0SETTER001 key"]
    assert await scene.refused(known) == ["U0SETTER001 key"]


async def test_of_a_key_that_was_replaced_meanwhile_nobody_is_told(scene: Scene) -> None:
    assert await scene.refused(replace(WORKSPACE, key_version=7)) == []


async def test_where_whoever_set_it_is_no_admin_any_more_one_is_told_as_well(scene: Scene) -> None:
    scene.admins.admins = ["U0OTHER0001", "U0THIRD0001"]
    assert await scene.refused() == ["U0SETTER001 key", "U0OTHER0001 key"]


async def test_where_there_is_no_admin_whoever_set_it_is_told_once(scene: Scene) -> None:
    scene.admins.admins = []
    await scene.refused()
    scene.now += 100_000
    assert await scene.refused() == ["U0SETTER001 key"]


async def test_where_whoever_set_it_has_left_an_admin_is_told(scene: Scene) -> None:
    scene.admins.gone = {"U0SETTER001"}
    scene.admins.admins = ["U0OTHER0001"]
    assert await scene.refused() == ["U0OTHER0001 key"]


async def test_after_the_app_was_removed_and_came_again_it_is_told_again(scene: Scene) -> None:
    await scene.unreadable()
    await scene.store.take_back("T0HOME00001", "users:read")  # as with all that was kept of the workspace
    scene.now += 600
    assert await scene.unreadable() == ["U0INSTALL01 scope"] * 2
