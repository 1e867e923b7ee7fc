"""The demo's page with a channel of the test's own open in it."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from playwright.async_api import Locator, Page, expect

from bot.demo.demo import Demo
from bot.demo.monitor import report
from bot.outbound.workspaces import MAX_AGE
from bot.sim.slack import Channel, Message, User

_START = 60_000  # milliseconds that the bot may take to start or to stop
Blocks = Sequence[Mapping[str, object]]


class ChannelPage:
    """The parts of the page by the names that people have for them, and what can happen in the channel."""

    def __init__(self, demo: Demo, conversation: Channel, page: Page) -> None:
        self.demo = demo
        self.slack = demo.sandbox.slack
        self.anchor = demo.sandbox.anchor
        self.conversation = conversation
        self._made_at = time.monotonic()
        self.name = f"#{conversation.name}"
        self.page = page
        self.pane = page.locator(".channel")
        self.line = page.get_by_role("combobox")
        self.dialog = page.get_by_role("dialog")
        self.list = page.get_by_role("group", name="Messages")
        self.messages = page.locator(".message")
        self.home = page.get_by_role("tabpanel", name="Home")
        self.bot_state = page.get_by_role("heading", name="Bot")

    async def open(self) -> None:
        await self.in_sidebar(self.name).click()
        await expect(self.pane.get_by_role("heading", level=2)).to_have_text(self.name)

    async def open_app(self) -> None:
        """Open the app, which shows its Home first."""
        await self.in_sidebar("anchor").click()
        await expect(self.home).to_be_visible()

    def in_sidebar(self, name: str) -> Locator:
        return self.page.get_by_role("navigation").get_by_role("button", name=name)

    def message(self, text: str | re.Pattern[str]) -> Locator:
        return self.messages.filter(has_text=text)

    def button(self, name: str) -> Locator:
        return self.messages.get_by_role("button", name=name, exact=True)

    def pause_button(self, session_id: str) -> Locator:
        return self.messages.get_by_role("button", name=self.spoken("Pause", session_id))

    def resume_button(self, session_id: str) -> Locator:
        return self.messages.get_by_role("button", name=self.spoken("Resume", session_id))

    def spoken(self, verb: str, session_id: str) -> re.Pattern[str]:
        """How a button of a session is read aloud, whether or not the bot knows the name of its agent by then."""
        names = [*self.anchor.session(session_id).tags[:1], f"session {session_id}"]
        return re.compile(f"^{verb} ({'|'.join(map(re.escape, names))})( {session_id[:8]})?$")

    async def pause(self, session_id: str) -> None:
        """Press a Pause button by the keyboard: a click is lost if the message is drawn again during it.

        If the bot changes the message during the press, Slack has that button no more. The page says so, and it is
        pressed again.
        """
        refusals, told = self.page.locator(".notice").filter(has_text="no such buttons"), -1
        while (count := await refusals.count()) > told:
            told, button = count, self.pause_button(session_id).first
            pressed = await button.element_handle()
            await button.press("Enter")
            await self.page.wait_for_function("(button) => button.ariaBusy === null", arg=pressed)

    async def resume(self, button: Locator) -> None:
        """Press a Resume button of the bot's, which asks first, by the keyboard."""
        await button.press("Enter")
        await self.dialog.get_by_role("button", name="Resume").click()

    def agent(self, name: str) -> Locator:
        heading = self.page.get_by_role("heading", name=name)
        return self.page.get_by_role("region", name="Agents", exact=True).get_by_role("listitem").filter(has=heading)

    def switch(self, name: str) -> Locator:
        return self.page.get_by_role("switch", name=name, exact=True)

    async def set_switch(self, name: str, *, on: bool) -> None:
        """Turn a switch on or off, and wait until it is."""
        switch = self.switch(name)
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", str(on).lower(), timeout=_START)
        await expect(switch).not_to_have_attribute("aria-busy", "true", timeout=_START)

    async def act_as(self, name: str) -> None:
        await self.page.get_by_role("radio", name=name).locator("xpath=..").click()
        await expect(self.page.get_by_role("radio", name=name)).to_be_checked()
        await expect(self.line).to_have_accessible_name(f"Message {self.name} as {name}")

    async def enter(self, line: str) -> None:
        await self.line.fill(line)
        await self.line.press("Enter")

    def post(
        self,
        text: str = "",
        *,
        blocks: Blocks = (),
        attachments: Blocks = (),
        thread: Message | None = None,
        by: User | None = None,
        only_to: User | None = None,
    ) -> Message:
        """Post a message: by the app or a person, in a thread, visible to one person only."""
        return self.slack.post(
            self.conversation,
            text,
            blocks=blocks,
            attachments=attachments,
            thread_ts=thread.ts if thread else None,
            user=by,
            ephemeral_to=only_to,
        )

    async def alert(self, text: str = "Too fast") -> str:
        """Let a monitor report a new session, and return the session's id."""
        session_id = self.anchor.add_session()
        await asyncio.sleep(max(0.0, self._made_at + MAX_AGE + 0.1 - time.monotonic()))  # the bot knows the channel
        alert = {"session_id": session_id, "text": text, "severity": "critical", "channel": self.conversation.id}
        if problem := await report(self.demo.sandbox.alerts, alert):
            raise AssertionError(problem)
        return session_id

    def orders(self, session_id: str) -> list[str]:
        """What Anchor was asked to do with a session, in order."""
        return [one.path.rpartition("/")[2] for one in self.anchor.posts(session_id)]


def shown(text: str) -> str:
    """A text of the bot's as the page shows it."""
    words = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", text.replace("<@U0ALICE0001>", "@alice"))
    return re.sub(r"[*`]", "", " ".join(words.splitlines()))


async def says(place: Locator, text: str) -> None:
    """Wait until `place` has a text about a session, with or without what is known of it before the id."""
    for part in text.split(" Session "):
        await expect(place).to_contain_text(part, use_inner_text=True)


async def new_channel(demo: Demo) -> Channel:
    """Make a channel of Alice, Bob, Mallory and the bot, which the monitor's alerts reach."""
    slack = demo.sandbox.slack
    members = (slack.alice, slack.bob, slack.outsider, slack.home.installation.bot_user_id)
    channel = slack.home.add_channel("C0TEST00001", "test", *members)
    async with demo.sandbox.store() as store:
        workspace = await store.rows.find(slack.home.team_id)
        assert workspace is not None
        tokens = [replace(one, channels=frozenset({channel.id})) for one in workspace.alert_tokens]
        version = workspace.alerts_token_version
        assert await store.rows.set_alert_tokens(slack.home.team_id, tokens, if_version=version)
    slack.platform.change_event.notify()  # the page shows what is there at a change
    return channel
