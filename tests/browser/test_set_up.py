"""A newcomer sets a workspace up in the app's Home, by keyboard alone, until an agent can be paused there and is."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, expect

from bot.demo.newco import NEWCO_KEY
from bot.demo.page.server import page as served
from bot.demo.world import world
from bot.sim.anchor import SessionState
from browser.keyboard import tab_to
from browser.pages import watched_page
from browser.room import Room
from browser.test_story import BOTH_WAYS, is_reached_by

pytestmark = pytest.mark.anyio

NO_KEY = "No key is set"
GOOD = "and Anchor accepts it"


@pytest.fixture
async def newco(browser: Browser) -> AsyncIterator[Room]:
    """Newco's #alerts in a world that has just begun, with Alice at the page at first."""
    async with world() as at, served(at) as url:
        async with watched_page(browser) as page:
            await page.goto(url)
            await expect(page.get_by_role("radio", name="alice")).to_be_checked()
            yield Room(at, at.stage.newco.alerts, page)
        assert at.stage.slack.violations == []
        assert at.stage.anchor.violations == []


class Keys:
    """Somebody who has nothing but a keyboard."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._keyboard = room.page.keyboard

    async def press(self, control: Locator, key: str = "Enter") -> None:
        """Go to a control, and press a key on it."""
        await tab_to(self._room.page, control)
        await self._keyboard.press(key)

    async def write(self, words: str) -> None:
        """Write where the focus is, and press Enter."""
        await self._keyboard.type(words)
        await self._keyboard.press("Enter")

    async def open(self, control: Locator, title: str) -> None:
        """Press a button that opens a modal, and wait until that is there."""
        await self.press(control)
        await expect(self._room.dialog).to_have_accessible_name(title)

    async def leave(self) -> None:
        """Leave the modal, and find oneself in the Home."""
        await self._keyboard.press("Escape")
        await expect(self._room.dialog).to_be_hidden()
        await expect(self._room.home.locator(":focus")).to_have_count(1)


@BOTH_WAYS
async def test_from_no_key_to_a_paused_agent_by_keyboard_alone(newco: Room, way: str) -> None:
    page, home, dialog, keys = newco.page, newco.home, newco.dialog, Keys(newco)
    [agent] = newco.at.others
    if way == "Socket Mode":
        await keys.press(newco.lever("Socket Mode"), "Space")
        await expect(newco.lever("Socket Mode")).to_be_checked()
        await expect(page.get_by_role("heading", name="Bot")).to_have_text("Botready")
        await page.reload()
    await keys.press(page.get_by_role("radio", name="alice"), "ArrowLeft")
    await expect(page.get_by_role("radio", name="dora")).to_be_checked()
    nav = page.get_by_role("navigation")

    await keys.press(nav.get_by_role("button", name="anchor"))
    await expect(home).to_contain_text(NO_KEY)
    await keys.open(home.get_by_role("button", name="Set Anchor API key"), "Anchor API key")
    await keys.write("sk-wrong")
    line = dialog.get_by_label("API key", exact=True)
    await expect(line).to_have_attribute("aria-invalid", "true")
    await expect(line).to_be_focused()
    await page.keyboard.press("ControlOrMeta+a")
    await keys.write(NEWCO_KEY)
    await expect(home).to_contain_text(GOOD)
    await expect(dialog.locator("#modal-body")).to_be_focused()
    await keys.leave()
    await expect(home.get_by_role("button", name="Replace Anchor API key")).to_be_focused()

    await tab_to(page, home.get_by_role("combobox"))
    await keys.write("general")
    await expect(home).to_contain_text("invite")
    await tab_to(page, home.get_by_role("combobox"))
    await keys.write("alerts")
    await expect(home).to_contain_text("Alerts go to #alerts")

    await keys.open(home.get_by_role("button", name="Change who may"), "Who may do what")
    await keys.write("dora")
    await expect(dialog.locator(".chip")).to_have_text(["dora×"])
    await keys.press(dialog.get_by_role("button", name="Save"))
    await expect(dialog.locator("#modal-body")).to_contain_text("Saved")
    await keys.leave()
    await expect(home).to_contain_text("Who may pause: @dora")

    await keys.press(nav.get_by_role("button", name="#alerts"))
    await tab_to(page, newco.line)
    await keys.write(f"/anchor-pause {agent.session_id}")
    await expect(newco.agent("Lead research").get_by_text("Paused", exact=True)).to_be_visible()
    await expect(newco.messages.filter(has_text="Paused: session")).to_contain_text("asked for by @dora")
    assert newco.orders(agent.session_id) == ["pause"]
    assert agent.state is SessionState.PAUSED
    await is_reached_by(newco, way)


async def test_who_has_no_key_is_led_to_it_from_a_command_and_may_save_one_that_can_t_be_tried(newco: Room) -> None:
    page, home, dialog = newco.page, newco.home, newco.dialog
    [agent] = newco.at.others
    await page.get_by_title("An admin of Newco").click()
    await expect(newco.line).to_have_accessible_name("Message #alerts as dora")
    await newco.enter(f"/anchor-pause {agent.session_id}")
    await newco.button("Set Anchor API key").click()
    await newco.at.levers.pull("anchor_down", on=True)
    line = dialog.get_by_label("API key", exact=True)
    await line.fill(NEWCO_KEY)
    await line.press("Enter")
    await expect(line).to_have_accessible_description(re.compile("not saved"))
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.locator("#modal-body")).to_contain_text("not verified")
    await page.keyboard.press("Escape")
    await expect(newco.button("Set Anchor API key")).to_be_focused()
    await newco.at.levers.pull("anchor_down", on=False)
    await newco.enter(f"/anchor-pause {agent.session_id}")
    await expect(newco.agent("Lead research").get_by_text("Paused", exact=True)).to_be_visible()
    await newco.open_app()
    await expect(home).to_contain_text(GOOD)
    await newco.at.levers.pull("key_revoked", on=True)
    await home.get_by_role("button", name="Replace Anchor API key").click()
    await line.fill(NEWCO_KEY)
    await line.press("Enter")
    await expect(line).to_have_accessible_description(re.compile("refuses this key"))
    await newco.at.levers.pull("key_revoked", on=False)


async def test_the_key_is_removed_only_when_that_is_confirmed(newco: Room) -> None:
    home = newco.home
    await newco.open_app()
    await expect(home).to_contain_text("Set by whoever runs this bot")
    await home.get_by_role("button", name="Remove key").click()
    question = newco.page.get_by_role("dialog", name="Remove the Anchor key?")
    await question.get_by_role("button", name="Cancel").click()
    await expect(home.get_by_role("button", name="Remove key")).to_be_focused()
    await home.get_by_role("button", name="Remove key").click()
    await question.get_by_role("button", name="Remove").click()
    await expect(home).to_contain_text(NO_KEY)
    await expect(newco.page.locator(":focus")).to_have_count(1)


async def test_others_see_how_it_is_set_up_and_change_nothing(newco: Room) -> None:
    await newco.page.get_by_title("A member of Acme").click()
    await newco.open_app()
    await expect(newco.home).to_contain_text("Set by whoever runs this bot")
    await expect(newco.home.get_by_role("button")).to_have_count(0)
    await expect(newco.home.get_by_role("combobox")).to_have_count(0)
