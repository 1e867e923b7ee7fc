"""The harness of administration: what admins see and do in the app's Home and its modals."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

from bot.app import running
from bot.config.settings import Settings
from bot.core.workspace import Workspace
from bot.messages.settings import ONE_MOMENT
from bot.sim.slack import Answered, Channel, Delivery, User, View
from harness.many_workspaces import ManyHarness, Tenant


@asynccontextmanager
async def another_bot(at: ManyHarness) -> AsyncIterator[str]:
    """Run a second bot on the same database, and return its URL for Slack's requests."""
    async with running(Settings.from_env(at.environ | {"PORT": "0"})) as bot:
        await bot.startup
        yield f"{bot.url}/slack/events"


def modal_text(ack: Answered) -> str:
    """The text of the modal that an ack shows instead of the one that was submitted."""
    (block,) = json.loads(ack.body)["view"]["blocks"]
    return str(block["text"]["text"])


@dataclass(frozen=True, slots=True)
class AdminHarness(Tenant):
    """One of the workspaces of `at`: `admin`, a second one who is its owner, and a member who is no admin."""

    at: ManyHarness
    second: User
    member: User

    @classmethod
    async def open(cls, at: ManyHarness, number: int = 1, *, with_key: bool = False) -> "AdminHarness":
        """Install the app; nobody has opened its Home yet."""
        tenant = at.add(number)
        await (at.set_up(tenant) if with_key else at.install(tenant))
        second = tenant.workspace.add_user(f"U0SECOND{number:03}", f"second-{number}", is_owner=True)
        member = tenant.workspace.add_user(f"U0MEMBER{number:03}", f"member-{number}")
        tenant.channel.members |= {second.id, member.id}
        inherited = {one.name: getattr(tenant, one.name) for one in fields(tenant)}
        return cls(**inherited, at=at, second=second, member=member)

    @property
    def admin(self) -> User:
        return self.person

    async def home_with(self, text: str, *, user: User | None = None, within: float = 20.0) -> View:
        await self.slack.until(lambda: text in self.home_text(user), within=within)
        home = self.slack.home_of(user or self.admin)
        assert home is not None
        return home

    def home_text(self, user: User | None = None) -> str:
        home = self.slack.home_of(user or self.admin)
        return home.text if home else ""

    async def press(
        self, action_id: str, choice: str | None = None, *, user: User | None = None, **overrides: Any
    ) -> Delivery:
        """Press a button of Home, or choose in it."""
        who = user or self.admin
        view = self.slack.home_of(who)
        assert view is not None
        return await self.slack.act(who, view, action_id, choice, **overrides)

    async def open_modal(self, action_id: str, *, user: User | None = None) -> View:
        """Press a control of Home, and wait for the modal that can be filled in, or that has an answer."""
        await self.press(action_id, user=user)
        return await self.wait_for_modal("", user=user)

    async def wait_for_modal(self, text: str, *, user: User | None = None) -> View:
        """Wait until the visible modal contains `text`, and is not the one that is shown until Slack says who it is."""
        who = user or self.admin

        def shown() -> View | None:
            modal = self.slack.modal_of(who)
            return modal if modal and text in modal.text and ONE_MOMENT.text not in modal.text else None

        await self.slack.until(shown)
        view = shown()
        assert view is not None
        return view

    async def submit(self, values: Mapping[str, str | Sequence[str]], *, user: User | None = None) -> Delivery:
        return await self.slack.submit(user or self.admin, None, values)

    async def set_key(self, key: str, *, user: User | None = None, **more: Sequence[str]) -> View:
        await self.open_modal("anchor_set_key", user=user)
        await self.submit({"key": key, **more}, user=user)
        return self.modal(user)

    async def stored(self) -> Workspace:
        found = await self.at.store.rows.find(self.team_id)
        assert found
        return found

    def add_channel(self, name: str, *, with_bot: bool) -> Channel:
        bot = [self.workspace.installation.bot_user_id] if with_bot else []
        people: list[User | str] = [self.admin, self.second, self.member, *bot]
        return self.workspace.add_channel(f"C0{name.upper():0<9}", name, *people)
