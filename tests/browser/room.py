"""A channel of a test's own in the demo, with somebody at the page who looks at it."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Locator, Page, expect

from bot.demo.monitor import report
from bot.demo.world import World
from bot.sim.slack import Channel, Message, Rule, User
from browser.pages import watched_page

_NUMBERS = itertools.count(1)
Parts = Sequence[Mapping[str, object]]


class Room:
    """What stands in the channel, by the names that people have for it, and what a test lets happen there."""

    def __init__(self, at: World, channel: Channel, page: Page) -> None:
        self.at = at
        self.channel = channel
        self.page = page
        self.pane = page.locator(".channel")
        self.world = page.get_by_role("region", name="Agents and levers")
        self.line = page.get_by_role("combobox")
        self.dialog = page.get_by_role("dialog")
        self.list = page.get_by_role("group", name="Messages")
        self.messages = page.locator(".message")
        self.home = page.get_by_role("tabpanel", name="Home")
        self.spoken = page.locator("#announcer")

    async def open(self) -> None:
        """Turn to the channel, by its name in the list."""
        name = f"#{self.channel.name}"
        await self.page.get_by_role("navigation").get_by_role("button", name=name).click()
        await expect(self.pane.get_by_role("heading", level=2)).to_have_text(name)

    async def open_app(self) -> None:
        """Turn to the app, which shows its Home first."""
        await self.page.get_by_role("navigation").get_by_role("button", name="anchor").click()
        await expect(self.home).to_be_visible()

    def message(self, text: str) -> Locator:
        """The message with this in it."""
        return self.messages.filter(has_text=text)

    def button(self, name: str) -> Locator:
        """A button of a message, by its label."""
        return self.messages.get_by_role("button", name=name, exact=True)

    def agent(self, name: str) -> Locator:
        """The card of an agent."""
        heading = self.page.get_by_role("heading", name=name)
        return self.page.get_by_role("region", name="Agents", exact=True).get_by_role("listitem").filter(has=heading)

    def lever(self, name: str) -> Locator:
        """A switch."""
        return self.page.get_by_role("switch", name=name, exact=True)

    async def pull(self, name: str, *, on: bool) -> None:
        """Put a lever on or off, and wait until it is."""
        await self.lever(name).click()
        await expect(self.lever(name)).to_have_attribute("aria-checked", str(on).lower())
        await expect(self.lever(name)).not_to_have_attribute("aria-busy", "true")

    @asynccontextmanager
    async def hanging(self) -> AsyncIterator[None]:
        """Let the bot hang meanwhile; that its acks may be late then is no fault of its."""
        await self.pull("Hangs", on=True)
        yield
        await self.pull("Hangs", on=False)
        violations = self.at.stage.slack.violations
        violations[:] = [one for one in violations if one.rule is not Rule.ACK_LATE]

    async def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        await self.line.fill(line)
        await self.line.press("Enter")

    def post(
        self,
        text: str = "",
        *,
        blocks: Parts = (),
        attachments: Parts = (),
        thread: Message | None = None,
        by: User | None = None,
        only_to: User | None = None,
    ) -> Message:
        """Let a message come: of the app, or of a person; into a thread; for one person alone."""
        return self.at.stage.slack.post(
            self.channel,
            text,
            blocks=blocks,
            attachments=attachments,
            thread_ts=thread.ts if thread else None,
            user=by,
            ephemeral_to=only_to,
        )

    async def alert(self, text: str = "It spends too fast.") -> str:
        """Let a monitor report a new session, as a card of the bot's; the session's id is returned."""
        session_id = self.at.stage.anchor.add_session()
        alert = {"session_id": session_id, "text": text, "severity": "critical", "channel": self.channel.id}
        if problem := await report(self.at.stage.alerts, alert):
            raise AssertionError(problem)
        return session_id

    def answered(self) -> list[int]:
        """The commands and clicks that Alice has seen answered here, as Slack counts them."""
        seen = self.at.stage.slack.seen_by(self.at.stage.slack.alice, self.channel)
        return [int(message.trigger_id.partition(".")[0]) for message in seen if message.trigger_id]

    def orders(self, session_id: str) -> list[str]:
        """What Anchor was asked to do with a session, in order."""
        return [one.path.rpartition("/")[2] for one in self.at.stage.anchor.posts(session_id)]


def new_room(at: World, page: Page) -> Room:
    """Make a new channel of Alice, Bob, Mallory and the bot."""
    slack, number = at.stage.slack, next(_NUMBERS)
    members = (slack.alice, slack.bob, slack.outsider, slack.home.installation.bot_user_id)
    return Room(at, slack.home.add_channel(f"C0ROOM{number:05}", f"room-{number}", *members), page)


@asynccontextmanager
async def room_of(browser: Browser, at: World, url: str, **surroundings: str) -> AsyncIterator[Room]:
    """Make a new channel, and let Alice open it on a screen of its own, with the surroundings of that."""
    async with watched_page(browser, **surroundings) as page:
        room = new_room(at, page)
        await page.goto(url)
        await room.open()
        yield room
