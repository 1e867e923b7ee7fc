"""A workspace with an admin in it, and what admins see and do there in the app's Home."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.app import running
from bot.settings import Settings
from bot.sim.slack import Channel, Delivery, Message, User, View
from tenants import Tenancy, Tenant


@asynccontextmanager
async def another_bot(at: Tenancy) -> AsyncIterator[str]:
    """A second one on the same database; its URL, for Slack's requests."""
    async with running(Settings.from_env(at.environ | {"PORT": "0"})) as bot:
        await bot.identification
        yield f"{bot.url}/slack/events"


@dataclass(frozen=True, slots=True)
class Office:
    """A tenant's admin (`admin`), another one (`second`) and somebody who is none (`member`)."""

    at: Tenancy
    tenant: Tenant
    admin: User
    second: User
    member: User

    @classmethod
    async def open(cls, at: Tenancy, number: int = 1, *, with_key: bool = False) -> "Office":
        """The app is installed; nobody has opened its Home yet."""
        tenant = at.add(number)
        await (at.settle(tenant) if with_key else at.install(tenant))
        second = tenant.workspace.add_user(f"U0SECOND{number:03}", f"second-{number}", is_owner=True)
        member = tenant.workspace.add_user(f"U0MEMBER{number:03}", f"member-{number}")
        tenant.alerts.members |= {second.id, member.id}
        return cls(at, tenant, tenant.person, second, member)

    async def home(self, user: User | None = None) -> View:
        """Open Home, and wait until it is shown."""
        who = user or self.admin
        before = self.at.slack.home_of(who)
        told = await self.at.slack.open_home(who)
        assert told.answer.status == 200
        return await self.home_changes(who, before)

    async def home_changes(self, user: User, before: View | None) -> View:
        """Wait until Home is another than `before`."""
        seen = before.hash if before else ""
        await self.at.slack.until(lambda: (self.at.slack.home_of(user) or before) and self.hash_of(user) != seen)
        shown = self.at.slack.home_of(user)
        assert shown is not None
        return shown

    def hash_of(self, user: User) -> str:
        shown = self.at.slack.home_of(user)
        return shown.hash if shown else ""

    async def press(self, action_id: str, choice: str | None = None, *, user: User | None = None) -> Delivery:
        """Press a button of Home, or choose in it."""
        who = user or self.admin
        view = self.at.slack.home_of(who)
        assert view is not None
        return await self.at.slack.act(who, view, action_id, choice)

    async def dialog(self, action_id: str, *, user: User | None = None) -> View:
        """Press a button of Home, and wait for the dialog that is to be filled in, or that says something."""
        who = user or self.admin
        await self.press(action_id, user=who)
        return await self.dialog_says("", user=who, but_not="One moment")

    async def dialog_says(self, text: str, *, user: User | None = None, but_not: str = "\0") -> View:
        """Wait until the visible dialog has `text` in it."""
        who = user or self.admin

        def shown() -> View | None:
            modal = self.at.slack.modal_of(who)
            return modal if modal and text in modal.text and but_not not in modal.text else None

        await self.at.slack.until(shown)
        view = shown()
        assert view is not None
        return view

    async def submit(self, values: Mapping[str, str | Sequence[str]], *, user: User | None = None) -> Delivery:
        return await self.at.slack.submit(user or self.admin, None, values)

    async def set_key(self, key: str, *, user: User | None = None, **more: Sequence[str]) -> View:
        """Open the dialog for the key, fill it in, and return what it says then."""
        await self.dialog("anchor_set_key", user=user)
        await self.submit({"key": key, **more}, user=user)
        view = self.at.slack.modal_of(user or self.admin)
        assert view is not None
        return view

    def messages_to(self, user: User) -> list[Message]:
        """The direct messages that the bot has written to somebody."""
        return self.at.slack.channel_messages(self.tenant.workspace.dm_with_bot(user))

    async def told(self, user: User, count: int = 1) -> list[str]:
        """Wait for so many direct messages, and return their texts."""
        await self.at.slack.until(lambda: len(self.messages_to(user)) >= count)
        return [message.text for message in self.messages_to(user)]

    def channel(self, name: str, *, with_bot: bool) -> Channel:
        """Another channel, in which all three are."""
        workspace = self.tenant.workspace
        people: list[User | str] = [
            self.admin,
            self.second,
            self.member,
            *([workspace.installation.bot_user_id] if with_bot else []),
        ]
        return workspace.add_channel(f"C0{name.upper():0<9}", name, *people)
