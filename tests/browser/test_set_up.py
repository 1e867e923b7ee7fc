"""A new admin sets a workspace up in the app's Home, until an agent can be paused there."""

import pytest
from playwright.async_api import Locator, Page, expect

from bot.demo.newco import NEWCO_KEY
from bot.messages.settings import KEY, TITLES
from bot.sim.anchor import SessionState
from browser.accessibility import tab_to
from browser.channel_page import ChannelPage

pytestmark = pytest.mark.anyio

SET_KEY, KEY_MENU = "anchor_set_key", "anchor_key_menu"
ALERTS_CHANNEL, CHANGE_POLICY = "anchor_alerts_channel", "anchor_change_policy"


@pytest.fixture
def newco(fresh: ChannelPage) -> ChannelPage:
    """Newco's #alerts, with Alice as the acting person at first."""
    return ChannelPage(fresh.demo, fresh.demo.sandbox.newco.alerts, fresh.page)


def control(part: Locator, action_id: str) -> Locator:
    """A button or a field in the Home, in a modal or in a message, by its action_id."""
    return part.locator(f'[data-action="{action_id}"]')


async def press(control: Locator, key: str = "Enter") -> None:
    """Go to a control by the Tab key, and press a key on it."""
    await tab_to(control.page, control)
    await control.page.keyboard.press(key)


async def write(page: Page, words: str) -> None:
    """Write where the focus is, and press Enter."""
    await page.keyboard.type(words)
    await page.keyboard.press("Enter")


async def close_modal(newco: ChannelPage) -> None:
    """Close the modal, after which the focus is in the Home."""
    await newco.page.keyboard.press("Escape")
    await expect(newco.dialog).to_be_hidden()
    await expect(newco.page.locator("#home:focus, #home :focus")).to_have_count(1)


async def test_an_admin_sets_a_workspace_up_by_keyboard_alone(newco: ChannelPage) -> None:
    page, home, dialog = newco.page, newco.home, newco.dialog
    [agent] = newco.demo.others
    await press(page.get_by_role("radio", name="alice"), "ArrowLeft")
    await expect(page.get_by_role("radio", name="dora")).to_be_checked()

    await press(newco.in_sidebar("anchor"))
    await expect(control(home, KEY_MENU)).to_have_count(0)
    await press(control(home, SET_KEY))
    await expect(dialog).to_have_accessible_name(TITLES[SET_KEY])
    await write(page, "sk-wrong")
    line = control(dialog, KEY)
    await expect(line).to_have_attribute("aria-invalid", "true")
    await expect(line).to_be_focused()
    await page.keyboard.press("ControlOrMeta+a")
    await write(page, NEWCO_KEY)
    await expect(control(home, KEY_MENU)).to_have_count(1)
    await expect(control(home, SET_KEY)).to_have_count(0)
    await expect(dialog.locator("#modal-body")).to_be_focused()
    await close_modal(newco)

    await tab_to(page, control(home, ALERTS_CHANNEL))
    await write(page, "general")
    await expect(home).to_contain_text("⚠️")  # the bot is not in that channel
    await tab_to(page, control(home, ALERTS_CHANNEL))
    await write(page, "alerts")
    await expect(newco.in_sidebar("#alerts")).to_have_accessible_name("#alerts 1 unread")
    await expect(home).not_to_contain_text("⚠️")

    await press(control(home, CHANGE_POLICY))
    await expect(dialog).to_have_accessible_name(TITLES[CHANGE_POLICY])
    await expect(dialog.locator("#modal-body")).to_be_focused()  # no field asks for it
    await tab_to(page, control(dialog, "pause_who"))
    await page.keyboard.press("ArrowDown")
    await press(dialog.get_by_role("button", name="Save"))
    people = control(dialog, "pause_users")
    await expect(people).to_have_attribute("aria-invalid", "true")
    await expect(people).to_be_focused()
    await write(page, "dora")
    await expect(dialog.locator(".chip")).to_have_text(["dora×"])
    await press(dialog.get_by_role("button", name="Save"))
    await expect(dialog.locator("#modal-body")).to_contain_text("✅")
    await close_modal(newco)
    await expect(home.locator(".mention", has_text="@dora")).to_have_count(2)  # who set the key, and who can pause

    await press(newco.in_sidebar("#alerts"))
    await tab_to(page, newco.line)
    await write(page, f"/anchor-pause {agent.session_id}")
    await expect(newco.agent("Lead research").get_by_text("Paused", exact=True)).to_be_visible()
    await expect(newco.messages.last).to_contain_text("@dora")
    await expect(newco.resume_button(agent.session_id)).to_be_visible()
    assert newco.orders(agent.session_id) == ["pause"]
    assert agent.state is SessionState.PAUSED
